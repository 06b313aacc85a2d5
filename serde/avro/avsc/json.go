package avsc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// node is a JSON value with its place in the text, which encoding/json does not
// keep.
type node struct {
	value    any // nil, bool, string or json.Number; float64 for a text that is one; a delimiter for lists and objects
	list     []*node
	keys     []string // of an object: the order of its members, each once
	members  map[string]*node
	from, to int // bytes of the text
}

func (n *node) isList() bool   { return n.value == json.Delim('[') }
func (n *node) isObject() bool { return n.value == json.Delim('{') }

// member is nil if there is none or n is no object.
func (n *node) member(key string) *node { return n.members[key] }

// text is the member's text, or not ok if it is missing or something else.
func (n *node) text(key string) (text string, ok bool) {
	if m := n.member(key); m != nil {
		text, ok = m.value.(string)
	}
	return text, ok
}

// plain is what encoding/json makes of the value with UseNumber.
func (n *node) plain() any {
	switch {
	case n.isList():
		list := make([]any, len(n.list))
		for i, e := range n.list {
			list[i] = e.plain()
		}
		return list
	case n.isObject():
		m := make(map[string]any, len(n.keys))
		for key, e := range n.members {
			m[key] = e.plain()
		}
		return m
	}
	return n.value
}

// maxNesting bounds how deep a text and the types of a schema are nested, and so
// every recursion over them. It is the bound of Java's JSON parser.
const maxNesting = 1000

// readJSON parses a text in which comments are allowed, as Java allows them. Of
// a key that is there twice the last value counts.
func readJSON(text string) (*node, error) {
	if !utf8.ValidString(text) {
		return nil, jsonError{0, "the text is not UTF-8"}
	}
	r := reader{text: text, dec: json.NewDecoder(strings.NewReader(text))}
	r.dec.UseNumber()
	n, err := r.node(0)
	if err != nil {
		return nil, err
	}
	if t, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, jsonError{r.start(n.to), fmt.Sprintf("text after the schema: %v", t)}
	}
	return n, nil
}

type jsonError struct {
	at      int
	message string
}

func (e jsonError) Error() string { return e.message }

type reader struct {
	text string
	dec  *json.Decoder
}

// start is where the token begins that comes after the given byte.
func (r *reader) start(from int) int {
	for from < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[from]) >= 0 {
		from++
	}
	return from
}

func (r *reader) node(depth int) (*node, error) {
	from := r.start(int(r.dec.InputOffset()))
	t, err := r.dec.Token()
	if err != nil {
		return nil, r.failure(err)
	}
	n := &node{value: t, from: from}
	if depth++; depth > maxNesting && (n.isList() || n.isObject()) {
		return nil, jsonError{from, fmt.Sprintf("nested deeper than %d levels", maxNesting)}
	}
	switch {
	case n.isList():
		err = r.list(n, depth)
	case n.isObject():
		err = r.object(n, depth)
	}
	n.to = int(r.dec.InputOffset())
	return n, err
}

func (r *reader) list(n *node, depth int) error {
	for r.dec.More() {
		e, err := r.node(depth)
		if err != nil {
			return err
		}
		n.list = append(n.list, e)
	}
	_, err := r.dec.Token()
	return r.failure(err)
}

func (r *reader) object(n *node, depth int) error {
	n.members = map[string]*node{}
	for r.dec.More() {
		key, err := r.dec.Token()
		if err != nil {
			return r.failure(err)
		}
		e, err := r.node(depth)
		if err != nil {
			return err
		}
		name := key.(string)
		if n.members[name] == nil {
			n.keys = append(n.keys, name)
		}
		n.members[name] = e
	}
	_, err := r.dec.Token()
	return r.failure(err)
}

func (r *reader) failure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return jsonError{len(r.text), "the text ends early"}
	}
	// The decoder's own offsets do not count what it has dropped.
	return jsonError{r.start(int(r.dec.InputOffset())), err.Error()}
}

// blank turns comments into blanks, so that every other byte stays where it is.
func blank(text string) string {
	if !strings.Contains(text, "/*") && !strings.Contains(text, "//") {
		return text
	}
	b := []byte(text)
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '"':
			i = stringEnd(text, i)
		case strings.HasPrefix(text[i:], "//"):
			for ; i < len(b) && b[i] != '\n'; i++ {
				b[i] = ' '
			}
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i+2:], "*/")
			if end < 0 {
				return text // which the parser will refuse there
			}
			for end += i + 4; i < end; i++ {
				if b[i] != '\n' {
					b[i] = ' '
				}
			}
			i--
		}
	}
	return string(b)
}

// stringEnd is the closing quote of the string that opens at i.
func stringEnd(text string, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}
