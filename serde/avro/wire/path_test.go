package wire

import (
	"errors"
	"math"
	"testing"
)

func TestPaths(t *testing.T) {
	err := At(At(At(ErrNil, "price", 3), Key("a\"b")), "lines", 2)
	if got := err.Error(); got != `lines[2]["a\"b"].price[3]: nil, which is no branch of the union` || !errors.Is(err, ErrNil) {
		t.Error(got)
	}
	if got := At(ErrNil); got != ErrNil {
		t.Error(got)
	}
}

func TestDoneSaysWhere(t *testing.T) {
	r := NewReader([]byte{2, 7})
	r.Long()
	r.Boolean()
	if _, err := r.Done(); !errors.Is(err, ErrBool) || err.Error() != "byte 1: a boolean is neither 0 nor 1" {
		t.Error(err)
	}
	r = NewReader([]byte{2, 7})
	r.Long()
	if rest, err := r.Done(); err != nil || len(rest) != 1 {
		t.Error(rest, err)
	}
}

func TestGrowFollowsWhatWasRead(t *testing.T) {
	if s := Grow([]int64(nil), 1<<40); cap(s) > firstRoom {
		t.Error(cap(s))
	}
	if s := Grow([]int64(nil), 3); cap(s) != 3 {
		t.Error(cap(s))
	}
	if s := Grow(make([]int64, 5), 3); cap(s) < 8 {
		t.Error(cap(s))
	}
}

func TestErrorsOfMeaningAreAtTheirFirstByte(t *testing.T) {
	for name, read := range map[string]func(r *Reader){
		"time-micros": func(r *Reader) { r.TimeMicros() },
		"uuid":        func(r *Reader) { r.UUID() },
	} {
		data := AppendLong([]byte{2}, math.MaxInt64)
		if name == "uuid" {
			data = []byte{2, 0}
		}
		r := NewReader(data)
		r.Long()
		read(&r)
		if _, err := r.Done(); err == nil || r.At() != 1 {
			t.Errorf("%s: %v, at byte %d", name, err, r.At())
		}
	}
}
