package cases

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

type schemaGolden struct {
	Parse, Lax, Canonical, Full, CRC64, MD5, SHA256 string
	Error                                           struct{ Kind, Message string }
	Names                                           []named
	Logical                                         []logical
	Defaults                                        []fieldDefault
	Reparse                                         json.RawMessage
	CanonicalReparse                                string
}

type named struct {
	Name, Type string
	Aliases    []string
}

type logical struct {
	Path, Name       string
	Precision, Scale int
}

type fieldDefault struct {
	Path, Class, Message string
	Value                any
}

func checkSchema(c *testCase, golden json.RawMessage) string {
	var g schemaGolden
	if err := unmarshal(golden, &g); err != nil {
		return err.Error()
	}
	s, err := c.schema()
	if g.Parse == "error" {
		return refused(c, g, err)
	}
	if err != nil {
		return fmt.Sprintf("%v, Java takes it", err)
	}
	var d differences
	d.texts("canonical form", g.Canonical, s.Canonical())
	d.texts("CRC-64-AVRO", g.CRC64, fmt.Sprintf("%016x", s.Fingerprint()))
	md5, sha256 := s.MD5(), s.SHA256()
	d.texts("MD5", g.MD5, hex.EncodeToString(md5[:]))
	d.texts("SHA-256", g.SHA256, hex.EncodeToString(sha256[:]))
	d.json("full text", g.Full, s.Full())
	w := schemaWalk{seen: map[*avsc.Schema]bool{}}
	w.walk(s, "")
	d.values("names", g.Names, w.names)
	d.values("logical types", g.Logical, w.logical)
	d.defaults(g.Defaults, w.defaults)
	again, err := avsc.ParseStored(s.Full())
	differs := err != nil || again.Full() != s.Full()
	d.values("parsed again differs", g.Reparse != nil, differs)
	canon, err := avsc.ParseStored(s.Canonical())
	d.values("canonical form parsed again differs", g.CanonicalReparse != "", err != nil || canon.Canonical() != s.Canonical())
	return d.String()
}

// refused compares the errors, and what parsing without validation makes of it.
func refused(c *testCase, g schemaGolden, err error) string {
	var e *avsc.Error
	if !errors.As(err, &e) {
		return fmt.Sprintf("taken, Java: %s (%s)", g.Error.Message, g.Error.Kind)
	}
	var d differences
	d.texts("kind of error", g.Error.Kind, string(e.Kind))
	if e.Line < 1 || e.Column < 1 || !strings.HasPrefix(e.Path, "/") {
		d = append(d, fmt.Sprintf("%v: no place", e))
	}
	lax, err := avsc.ParseStored(text(c.Schema, c.SchemaText))
	d.values("taken without validation", g.Lax == "ok", err == nil)
	if err == nil {
		d.texts("canonical form", g.Canonical, lax.Canonical())
	}
	return d.String()
}

// schemaWalk collects what the goldens list of a schema.
type schemaWalk struct {
	seen     map[*avsc.Schema]bool
	names    []named
	logical  []logical
	defaults []fieldDefault
}

func (w *schemaWalk) walk(s *avsc.Schema, path string) {
	if w.seen[s] {
		return
	}
	if s.Logical != "" {
		at := path
		if at == "" {
			at = "/"
		}
		w.logical = append(w.logical, logical{at, s.Logical, s.Precision, s.Scale})
	}
	if s.IsNamed() {
		w.seen[s] = true
		aliases := slices.Clone(s.Aliases)
		slices.Sort(aliases)
		w.names = append(w.names, named{s.Name, s.Kind.String(), slices.Compact(aliases)})
	}
	for i, f := range s.Fields {
		at := path + "/fields/" + strconv.Itoa(i)
		if f.HasDefault {
			d := fieldDefault{Path: at}
			if v, err := f.DefaultValue(); err != nil {
				d.Message = err.Error()
			} else {
				d.Value = goldenValue(f.Type, v)
			}
			w.defaults = append(w.defaults, d)
		}
		w.walk(f.Type, at+"/type")
	}
	switch s.Kind {
	case avsc.Array:
		w.walk(s.Items, path+"/items")
	case avsc.Map:
		w.walk(s.Items, path+"/values")
	case avsc.Union:
		for i, b := range s.Branches {
			w.walk(b, path+"/"+strconv.Itoa(i))
		}
	}
}

// goldenValue is a default in the goldens' encoding.
func goldenValue(s *avsc.Schema, v any) any {
	switch v := v.(type) {
	case []byte:
		return hex.EncodeToString(v)
	case int32:
		return json.Number(strconv.Itoa(int(v)))
	case int64:
		if v >= 1<<53 || v <= -1<<53 {
			return strconv.FormatInt(v, 10)
		}
		return json.Number(strconv.FormatInt(v, 10))
	case float32:
		return goldenFloat(float64(v), 32)
	case float64:
		return goldenFloat(v, 64)
	case avsc.Branch:
		if v.Value == nil {
			return nil
		}
		b := s.Branches[v.Index]
		return map[string]any{b.Label(): goldenValue(b, v.Value)}
	case []avsc.Entry:
		m := map[string]any{}
		for _, e := range v {
			m[e.Key] = goldenValue(s.Items, e.Value)
		}
		return m
	case []any:
		if s.Kind == avsc.Array {
			list := []any{}
			for _, e := range v {
				list = append(list, goldenValue(s.Items, e))
			}
			return list
		}
		m := map[string]any{}
		for i, f := range s.Fields {
			m[f.Name] = goldenValue(f.Type, v[i])
		}
		return m
	}
	return v
}

func goldenFloat(f float64, bits int) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.Replace(strconv.FormatFloat(f, 'g', -1, 64), "+", "", 1) + "inity"
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, bits))
}

// differences are the ways in which a case differs.
type differences []string

func (d differences) String() string { return strings.Join(d, "\n") }

func (d *differences) texts(what, java, ours string) {
	if java != ours {
		*d = append(*d, fmt.Sprintf("%s\n%s\nJava:\n%s", what, ours, java))
	}
}

func (d *differences) values(what string, java, ours any) {
	if reflect.DeepEqual(java, ours) {
		return // cmp takes exponential time for values that are nested deeply
	}
	if diff := cmp.Diff(java, ours); diff != "" {
		*d = append(*d, fmt.Sprintf("%s: (-Java +ours)\n%s", what, diff))
	}
}

// json compares two texts as values: numbers by value.
func (d *differences) json(what, java, ours string) {
	var j, o any
	if err := errors.Join(unmarshal([]byte(java), &j), unmarshal([]byte(ours), &o)); err != nil {
		*d = append(*d, fmt.Sprintf("%s: %v", what, err))
		return
	}
	d.values(what, numbers(j), numbers(o))
}

func (d *differences) defaults(java, ours []fieldDefault) {
	for i := range java {
		java[i].Value = numbers(java[i].Value)
		if java[i].Class != "" && i < len(ours) && ours[i].Message != "" {
			java[i].Class, java[i].Message, ours[i].Message = "", "", ""
		}
	}
	for i := range ours {
		ours[i].Value = numbers(ours[i].Value)
	}
	d.values("defaults", java, ours)
}

// numbers makes numbers comparable, 1e3 with 1000.0.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, _, err := big.ParseFloat(v.String(), 10, 256, big.ToNearestEven); err == nil {
			return "number " + f.Text('g', 60)
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

func unmarshal(text []byte, v any) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	return d.Decode(v)
}
