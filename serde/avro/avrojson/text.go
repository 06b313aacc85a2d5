package avrojson

import (
	"unicode/utf8"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// Append appends the value of a schema at the head of data in Avro's JSON encoding, on
// one line, and returns what follows the value. Fields come in the order of the
// schema, entries of a map in the order of the data. Bytes that are not UTF-8 become
// U+FFFD in text. An error is a [wire.PathError] where it is inside of the value.
func Append(dst []byte, s *avsc.Schema, data []byte) (text, rest []byte, err error) {
	p := printer{dst: dst, r: wire.NewReader(data)}
	if err := p.value(s); err != nil {
		return dst, data, err
	}
	return p.dst, p.r.Rest(), nil
}

type printer struct {
	dst []byte
	r   wire.Reader
}

func (p *printer) value(s *avsc.Schema) error {
	switch s.Kind {
	case avsc.Null:
		p.dst = append(p.dst, "null"...)
	case avsc.Boolean:
		if p.r.Boolean() {
			p.dst = append(p.dst, "true"...)
		} else {
			p.dst = append(p.dst, "false"...)
		}
	case avsc.Int:
		p.dst = appendInteger(p.dst, int64(p.r.Int()))
	case avsc.Long:
		p.dst = appendInteger(p.dst, p.r.Long())
	case avsc.Float:
		p.dst = appendFloat(p.dst, float64(p.r.Float()), 32)
	case avsc.Double:
		p.dst = appendFloat(p.dst, p.r.Double(), 64)
	case avsc.String:
		p.dst = appendQuoted(p.dst, p.r.String())
	case avsc.Bytes:
		p.dst = appendLatinText(p.dst, p.r.Bytes())
	case avsc.Fixed:
		if s.Size <= len(p.r.Rest()) {
			b := make([]byte, s.Size)
			p.r.Fixed(b)
			p.dst = appendLatinText(p.dst, b)
		} else {
			p.r.Fail(wire.ErrEnd)
		}
	case avsc.Enum:
		if k := p.r.Symbol(len(s.Symbols)); !p.r.Failed() {
			p.dst = appendQuoted(p.dst, s.Symbols[k])
		}
	case avsc.Union:
		return p.branch(s)
	default:
		if !p.r.Enter() {
			return p.r.Err()
		}
		defer p.r.Leave()
		if s.Kind == avsc.Record {
			return p.record(s)
		}
		return p.items(s)
	}
	return p.r.Err()
}

func (p *printer) branch(s *avsc.Schema) error {
	k := p.r.Branch(len(s.Branches))
	if p.r.Failed() {
		return p.r.Err()
	}
	b := s.Branches[k]
	if b.Kind == avsc.Null {
		return p.value(b)
	}
	p.dst = append(appendQuoted(append(p.dst, '{'), b.Label()), ':')
	err := p.value(b)
	p.dst = append(p.dst, '}')
	return err
}

func (p *printer) record(s *avsc.Schema) error {
	p.dst = append(p.dst, '{')
	for k, f := range s.Fields {
		if k > 0 {
			p.dst = append(p.dst, ',')
		}
		p.dst = append(appendQuoted(p.dst, f.Name), ':')
		if err := p.value(f.Type); err != nil {
			return wire.At(err, f.Name)
		}
	}
	p.dst = append(p.dst, '}')
	return nil
}

func (p *printer) items(s *avsc.Schema) error {
	begin, end, size := byte('['), byte(']'), s.Items.MinSize
	if s.Kind == avsc.Map {
		begin, end, size = '{', '}', size+1
	}
	p.dst = append(p.dst, begin)
	for done := 0; ; {
		n := p.r.Count(size)
		if n == 0 {
			break
		}
		for ; n > 0; n-- {
			if done > 0 {
				p.dst = append(p.dst, ',')
			}
			if err := p.item(s, done); err != nil {
				return err
			}
			done++
		}
	}
	p.dst = append(p.dst, end)
	return p.r.Err()
}

func (p *printer) item(s *avsc.Schema, i int) error {
	if s.Kind == avsc.Array {
		return at(p.value(s.Items), i)
	}
	key := p.r.String()
	if p.r.Failed() {
		return p.r.Err()
	}
	p.dst = append(appendQuoted(p.dst, key), ':')
	return at(p.value(s.Items), wire.Key(key))
}

func at(err error, step any) error {
	if err == nil {
		return nil
	}
	return wire.At(err, step)
}

const hexDigits = "0123456789ABCDEF"

// appendQuoted appends JSON text with the escapes that Java's encoder makes. What is
// not UTF-8 becomes U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		dst = appendRune(dst, r)
	}
	return append(dst, '"')
}

func appendRune(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r >= 0x20 && r < 0x10000:
		return utf8.AppendRune(dst, r)
	case r >= 0x10000:
		r -= 0x10000
		return appendEscape(appendEscape(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
	}
	switch r {
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return appendEscape(dst, r)
}

func appendEscape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// appendLatinText appends bytes as text, one character up to U+00FF for each.
func appendLatinText(dst, b []byte) []byte {
	dst = append(dst, '"')
	for _, c := range b {
		dst = appendRune(dst, rune(c))
	}
	return append(dst, '"')
}
