package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/google/uuid"
)

const daySeconds = 24 * 60 * 60

// AppendDate appends the day that t shows in its own zone, as days since 1970.
func AppendDate(dst []byte, t time.Time) ([]byte, error) {
	_, offset := t.Zone()
	s := t.Unix() + int64(offset)
	days := s / daySeconds
	if s%daySeconds < 0 {
		days--
	}
	if int64(int32(days)) != days {
		return dst, fmt.Errorf("%v is too far away for a date", t)
	}
	return AppendLong(dst, days), nil
}

// Date reads a date as its first moment in UTC.
func (r *Reader) Date() time.Time { return time.Unix(int64(r.Int())*daySeconds, 0).UTC() }

// AppendNanos appends a timestamp-nanos. A time before 1678 or after 2261 has none.
func AppendNanos(dst []byte, t time.Time) ([]byte, error) {
	if s := t.Unix(); s >= math.MaxInt64/int64(time.Second) || s <= math.MinInt64/int64(time.Second) {
		return dst, fmt.Errorf("%v is too far away for nanoseconds", t)
	}
	return AppendLong(dst, t.UnixNano()), nil
}

// Local returns the time in UTC at which a clock shows what it shows for t in t's
// zone: what the number of a local timestamp is made of.
func Local(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}

// Millis reads a timestamp-millis.
func (r *Reader) Millis() time.Time { return time.UnixMilli(r.Long()).UTC() }

// Micros reads a timestamp-micros.
func (r *Reader) Micros() time.Time { return time.UnixMicro(r.Long()).UTC() }

// Nanos reads a timestamp-nanos.
func (r *Reader) Nanos() time.Time { return time.Unix(0, r.Long()).UTC() }

// AppendTimeMillis appends a time-millis.
func AppendTimeMillis(dst []byte, d time.Duration) ([]byte, error) {
	ms := d.Milliseconds()
	if int64(int32(ms)) != ms {
		return dst, fmt.Errorf("%v is too long for time-millis", d)
	}
	return AppendLong(dst, ms), nil
}

// TimeMillis reads a time-millis.
func (r *Reader) TimeMillis() time.Duration { return time.Duration(r.Int()) * time.Millisecond }

// TimeMicros reads a time-micros.
func (r *Reader) TimeMicros() time.Duration {
	at := r.i
	v := r.Long()
	if d := time.Duration(v) * time.Microsecond; d.Microseconds() == v {
		return d
	}
	r.failAt(at, fmt.Errorf("%d is too long for a time.Duration", v))
	return 0
}

// AppendUUID appends a uuid that is a string.
func AppendUUID(dst []byte, u uuid.UUID) []byte {
	dst = append(dst, 36<<1)
	b, _ := u.MarshalText() // cannot fail
	return append(dst, b...)
}

// UUID reads a uuid that is a string.
func (r *Reader) UUID() uuid.UUID {
	at := r.i
	n := r.length()
	if r.err != nil {
		return uuid.UUID{}
	}
	u, err := uuid.ParseBytes(r.b[r.i : r.i+n])
	if err != nil {
		r.failAt(at, fmt.Errorf("not a uuid: %w", err))
		return uuid.UUID{}
	}
	r.i += n
	return u
}

// A Duration is the logical type duration, three numbers that do not add up.
type Duration struct{ Months, Days, Milliseconds uint32 }

// AppendDuration appends a duration.
func AppendDuration(dst []byte, d Duration) []byte {
	e := binary.LittleEndian
	return e.AppendUint32(e.AppendUint32(e.AppendUint32(dst, d.Months), d.Days), d.Milliseconds)
}

// Duration reads a duration.
func (r *Reader) Duration() Duration {
	b := r.take(12)
	if b == nil {
		return Duration{}
	}
	e := binary.LittleEndian
	return Duration{e.Uint32(b), e.Uint32(b[4:]), e.Uint32(b[8:])}
}

// AppendDecimal appends a decimal that is bytes. A nil v is 0.
func AppendDecimal(dst []byte, v *big.Rat, precision, scale int) ([]byte, error) {
	n, err := unscaled(v, precision, scale)
	if err != nil {
		return dst, err
	}
	return AppendString(dst, twosComplement(n, size(n))), nil
}

// AppendFixedDecimal appends a decimal that is a fixed of a size. A nil v is 0.
func AppendFixedDecimal(dst []byte, v *big.Rat, precision, scale, bytes int) ([]byte, error) {
	n, err := unscaled(v, precision, scale)
	if err != nil {
		return dst, err
	}
	if size(n) > bytes {
		return dst, fmt.Errorf("%s does not fit into %d bytes", v.RatString(), bytes)
	}
	return append(dst, twosComplement(n, bytes)...), nil
}

// Decimal reads a decimal that is bytes.
func (r *Reader) Decimal(scale int) *big.Rat {
	n := r.length()
	return decimal(r.take(n), scale)
}

// FixedDecimal reads a decimal that is a fixed of a size.
func (r *Reader) FixedDecimal(scale, bytes int) *big.Rat { return decimal(r.take(bytes), scale) }

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func unscaled(v *big.Rat, precision, scale int) (*big.Int, error) {
	if v == nil {
		return new(big.Int), nil
	}
	scaled := new(big.Rat).Mul(v, new(big.Rat).SetInt(pow10(scale)))
	if !scaled.IsInt() {
		return nil, fmt.Errorf("%s has more than %d digits after the point", v.RatString(), scale)
	}
	n := scaled.Num()
	if n.CmpAbs(pow10(precision)) >= 0 {
		return nil, fmt.Errorf("%s has more than %d digits", v.FloatString(scale), precision)
	}
	return n, nil
}

// size is how many bytes the two's complement of n takes.
func size(n *big.Int) int {
	bits := n.BitLen()
	if n.Sign() < 0 {
		bits = new(big.Int).Not(n).BitLen()
	}
	return bits/8 + 1
}

func twosComplement(n *big.Int, bytes int) []byte {
	b := make([]byte, bytes)
	if n.Sign() >= 0 {
		return n.FillBytes(b)
	}
	new(big.Int).Not(n).FillBytes(b)
	for i := range b {
		b[i] = ^b[i]
	}
	return b
}

func decimal(b []byte, scale int) *big.Rat {
	n := new(big.Int)
	if len(b) > 0 && b[0] >= 0x80 {
		inverted := slices.Clone(b)
		for i := range inverted {
			inverted[i] = ^inverted[i]
		}
		n.Not(n.SetBytes(inverted))
	} else {
		n.SetBytes(b)
	}
	return new(big.Rat).SetFrac(n, pow10(scale))
}
