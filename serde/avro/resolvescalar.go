package avro

import (
	"reflect"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

func (c *resolver) scalar(w, r *avsc.Schema, t reflect.Type) []decOp {
	if !promotes(w.Kind, r.Kind) {
		return mismatch(w, r)
	}
	o := decOp{from: w.Kind, kind: t.Kind(), isInt: w.Kind == avsc.Int, schema: w}
	switch r.Kind {
	case avsc.Boolean:
		o.code = decBool
	case avsc.String:
		o.code = decString
		c.root.texts = true
	case avsc.Bytes:
		o.code = decBytes
	case avsc.Float, avsc.Double:
		switch {
		case w.Kind != r.Kind:
			o.code = decNumber
		case r.Kind == avsc.Float:
			o.code = decFloat32
		default:
			o.code = decFloat64
		}
	default:
		o.code, o.clock = integer(w, r, t)
	}
	return one(o)
}

// integer chooses how a long or int is kept. A time is read by the writer's
// unit if it names one: Java takes the reader's, and then 1 ms is read as 1 us.
func integer(w, r *avsc.Schema, t reflect.Type) (decCode, clock) {
	switch {
	case t == timeType || t == durationType:
		k := clockOf(r)
		if own := clockOf(w); own != clockNone && own != clockDate && k != clockDate && (own < clockTimeMillis) == (k < clockTimeMillis) {
			k = own
		}
		if t == timeType {
			return decTime, k
		}
		return decDuration, k
	case t.Kind() == reflect.Int32 && w.Kind == avsc.Int:
		return decInt32, clockNone
	case t.Size() == 8 && w.Kind == avsc.Long:
		return decInt64, clockNone
	}
	return decInteger, clockNone
}

// promotes reports whether a scalar written as w may be read as r.
func promotes(w, r avsc.Kind) bool {
	switch r {
	case avsc.Long:
		return w == avsc.Int || w == avsc.Long
	case avsc.Float:
		return w == avsc.Int || w == avsc.Long || w == avsc.Float
	case avsc.Double:
		return w == avsc.Int || w == avsc.Long || w == avsc.Float || w == avsc.Double
	case avsc.Bytes, avsc.String:
		return w == avsc.Bytes || w == avsc.String
	}
	return w == r
}
