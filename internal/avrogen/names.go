package avrogen

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// initialisms are the words that Go writes in capitals.
var initialisms = strings.Fields("acl api ascii cpu css dns eof guid html http https id ip json qps ram rpc sku sla smtp sql ssh tcp " +
	"tls ttl udp ui uid uuid uri url utf8 vm xml xmpp xsrf xss")

// exported makes an exported Go name of an Avro name: its words, which begin at
// underscores and capitals, with a capital each. A name that then begins with no
// capital, as of digits or a script without capitals, gets an X before it.
func exported(name string) string {
	var b strings.Builder
	for piece := range strings.SplitSeq(name, "_") {
		for _, word := range camels(piece) {
			last, _ := utf8.DecodeLastRuneInString(b.String())
			if first, _ := utf8.DecodeRuneInString(word); unicode.IsDigit(first) && unicode.IsDigit(last) {
				b.WriteByte('_')
			}
			b.WriteString(capital(word))
		}
	}
	out := b.String()
	if first, _ := utf8.DecodeRuneInString(out); !unicode.IsUpper(first) {
		out = "X" + out
	}
	return out
}

// camels splits a name before each capital that follows another letter or a digit.
func camels(name string) []string {
	var words []string
	from, small := 0, false
	for i, r := range name {
		if small && unicode.IsUpper(r) {
			words = append(words, name[from:i])
			from = i
		}
		small = !unicode.IsUpper(r)
	}
	if from < len(name) {
		words = append(words, name[from:])
	}
	return words
}

func capital(word string) string {
	if slices.Contains(initialisms, strings.ToLower(word)) {
		return strings.ToUpper(word)
	}
	r, n := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(r)) + word[n:]
}

// symbol makes the end of a constant's name of an enum's symbol: STOCK_IN is StockIn.
func symbol(name string) string {
	if strings.ToUpper(name) == name {
		name = strings.ToLower(name)
	}
	return exported(name)
}

// scope is a set of names that are taken.
type scope map[string]bool

// take takes name, or the first free one of name_, name__ and so on.
func (s scope) take(name string) string {
	for s[name] {
		name += "_"
	}
	s[name] = true
	return name
}

// takeType takes the Go name of a type: its short name, then with more and more of the
// namespace before it, then with a number after it.
func (s scope) takeType(prefix, full string) string {
	parts := strings.Split(full, ".")
	name := ""
	for i := len(parts) - 1; i >= 0; i-- {
		name = exported(parts[i]) + name
		if !s[prefix+name] {
			s[prefix+name] = true
			return prefix + name
		}
	}
	for i := 2; ; i++ {
		if n := prefix + name + strconv.Itoa(i); !s[n] {
			s[n] = true
			return n
		}
	}
}

// methods are the names that a record's fields cannot have.
var methods = []string{"AvroSchema", "AppendAvro", "DecodeAvro", "ReadAvro"}

// fieldNames returns the Go names of a record's fields. A field that has its Go name in
// Avro keeps it; of others with one name the first does.
func fieldNames(s *avsc.Schema) []string {
	taken := scope{}
	for _, m := range methods {
		taken[m] = true
	}
	out := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		if exported(f.Name) == f.Name {
			out[i] = taken.take(f.Name)
		}
	}
	for i, f := range s.Fields {
		if out[i] == "" {
			out[i] = taken.take(exported(f.Name))
		}
	}
	return out
}
