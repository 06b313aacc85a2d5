package avsc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrorKind is what a schema's text is refused for.
type ErrorKind string

// The kinds of errors.
const (
	NotJSON       ErrorKind = "json"
	BadType       ErrorKind = "type"      // "type" or an attribute that it needs is missing, unknown or something else
	BadName       ErrorKind = "name"      // missing, or no name
	Undefined     ErrorKind = "undefined" // a reference to nothing
	Redefined     ErrorKind = "redefined" // one name, two definitions
	BadField      ErrorKind = "field"
	BadAlias      ErrorKind = "alias"
	BadEnum       ErrorKind = "enum"
	BadFixed      ErrorKind = "fixed"
	BadUnion      ErrorKind = "union"
	BadDefault    ErrorKind = "default" // a default that is no value of the field's type
	NestedTooDeep ErrorKind = "nesting" // more than 1000 types in each other
)

// Error is why and where a schema's text is refused.
type Error struct {
	Kind     ErrorKind
	Position        // File is "" for a text without a name
	Path     string // JSON pointer into the text, "/" for all of it
	Message  string
}

// Error says where and what: file:line:column, the path, the reason.
func (e *Error) Error() string {
	return fmt.Sprintf("avro schema: %s: %s: %s", e.Position, e.Path, e.Message)
}

// Position is a place in a text. Line and column count from 1, the column in
// characters.
type Position struct {
	File         string
	Line, Column int
}

// String is file:line:column, or line and column in words if there is no file.
func (p Position) String() string {
	if p.File == "" {
		return fmt.Sprintf("line %d, column %d", p.Line, p.Column)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// source is a text that is being parsed.
type source struct {
	name, text string
	lines      []int // where each begins
	last       struct{ line, at, column int }
}

// position counts on from the place it was asked for last, if that is before on the
// line: a text of one line must not be counted from its beginning for each of its types.
func (s *source) position(at int) Position {
	if s.lines == nil {
		s.lines = []int{0}
		for i := range len(s.text) {
			if s.text[i] == '\n' {
				s.lines = append(s.lines, i+1)
			}
		}
	}
	line, found := slices.BinarySearch(s.lines, at)
	if !found {
		line--
	}
	l := &s.last
	if l.line != line || l.at > at || l.column == 0 {
		l.line, l.at, l.column = line, s.lines[line], 1
	}
	l.column += utf8.RuneCountInString(s.text[l.at:at])
	l.at = at
	return Position{s.name, line + 1, l.column}
}

// place is a node with the way to it, which is spelled out only for errors.
type place struct {
	*node
	in   *source
	up   *place
	step string
	at   int // position in the step's list, -1 if it is none
}

func (p *place) down(n *node, step string) *place { return &place{n, p.in, p, step, -1} }

func (p *place) element(n *node, list string, i int) *place { return &place{n, p.in, p, list, i} }

func (p *place) path() string {
	var steps []string
	for ; p.up != nil; p = p.up {
		if p.at >= 0 {
			steps = append(steps, strconv.Itoa(p.at))
		}
		if p.step != "" {
			steps = append(steps, p.step)
		}
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(steps[i]))
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

func (p *place) position() Position { return p.in.position(p.from) }

func (p *place) errorf(kind ErrorKind, format string, args ...any) error {
	return &Error{kind, p.position(), p.path(), fmt.Sprintf(format, args...)}
}

// show is the beginning of a node's text.
func (p *place) show() string {
	text := p.in.text[p.from:p.to]
	if len(text) > 40 {
		cut := 40
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		return text[:cut] + "..."
	}
	return text
}
