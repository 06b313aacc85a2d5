package conformance

import (
	"strconv"
	"strings"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// Functions that scenarios name, as "name" or "name:arg". An error is a panic: the
// library makes it the record's error.

type (
	valueFunc     = func(k, v value) value
	predicateFunc = func(k, v value) bool
	pairFunc      = func(k, v value) (value, value)
	pairsFunc     = func(k, v value) []stream.KeyValue[value, value]
	valuesFunc    = func(k, v value) []value
	timestampFunc = topology.TimestampExtractor[value, value]
	topicFunc     = func(r topology.Record[value, value]) string
	sinkFunc      = topology.Partitioner[value, value]
)

// table has the functions of one kind, made with their argument.
type table[F any] map[string]func(arg string) F

// split takes "name:arg" apart.
func split(fn string) (name, arg string) {
	name, arg, _ = strings.Cut(fn, ":")
	return name, arg
}

// function looks up a function of a kind. One that is unknown is remembered as the
// builder's error and is nil.
func function[F any](b *builder, of table[F], kind, fn string) F {
	name, arg := split(fn)
	made, ok := of[name]
	if !ok {
		b.fail(missing(kind + " function " + name))
		var none F
		return none
	}
	return made(arg)
}

// simple is a function that has no argument.
func simple[F any](f F) func(string) F { return func(string) F { return f } }

// notNull is a function of a value that leaves null as it is.
func notNull(f func(v value) value) valueFunc {
	return func(_, v value) value {
		if v == nil {
			return nil
		}
		return f(v)
	}
}

func atoi(arg string) int64 {
	n, err := strconv.ParseInt(arg, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func throwIf(v value, arg string) {
	if text(v) == arg {
		panic("boom " + arg)
	}
}

func upper(v value) value {
	if v == nil {
		return nil
	}
	return strings.ToUpper(text(v))
}

var values = table[valueFunc]{
	"identity":  simple(func(_, v value) value { return v }),
	"upper":     simple(func(_, v value) value { return upper(v) }),
	"len":       simple(notNull(func(v value) value { return length(v) })),
	"append":    func(arg string) valueFunc { return notNull(func(v value) value { return text(v) + arg }) },
	"str":       simple(notNull(func(v value) value { return text(v) })),
	"render":    simple(func(_, v value) value { return text(v) }),
	"withKey":   simple(func(k, v value) value { return text(k) + ":" + text(v) }),
	"firstChar": simple(func(_, v value) value { return firstChar(v) }),
	"null":      simple(func(_, _ value) value { return nil }),
	"nullIf": func(arg string) valueFunc {
		return func(_, v value) value {
			if text(v) == arg {
				return nil
			}
			return v
		}
	},
	"nullIfPrefix": func(arg string) valueFunc {
		return notNull(func(v value) value {
			if strings.HasPrefix(text(v), arg) {
				return nil
			}
			return v
		})
	},
	"plus": func(arg string) valueFunc { return notNull(func(v value) value { return number(v) + atoi(arg) }) },
	"throwIf": func(arg string) valueFunc {
		return func(_, v value) value { throwIf(v, arg); return v }
	},
}

// needsKey tells whether the variant of an operator is meant whose function sees
// the key.
func needsKey(fn string) bool {
	name, _ := split(fn)
	return name == "withKey" || name == "wordsWithKey"
}

var predicates = table[predicateFunc]{
	"all":     simple(func(_, _ value) bool { return true }),
	"none":    simple(func(_, _ value) bool { return false }),
	"keyIs":   func(arg string) predicateFunc { return func(k, _ value) bool { return text(k) == arg } },
	"valueIs": func(arg string) predicateFunc { return func(_, v value) bool { return text(v) == arg } },
	"valuePrefix": func(arg string) predicateFunc {
		return func(_, v value) bool { return v != nil && strings.HasPrefix(text(v), arg) }
	},
	"nonEmpty":   simple(func(_, v value) bool { return v != nil && text(v) != "" }),
	"valueNull":  simple(func(_, v value) bool { return v == nil }),
	"keyNotNull": simple(func(k, _ value) bool { return k != nil }),
	"lenOver": func(arg string) predicateFunc {
		return func(_, v value) bool { return v != nil && length(v) > atoi(arg) }
	},
	"over": func(arg string) predicateFunc {
		return func(_, v value) bool { return v != nil && number(v) > atoi(arg) }
	},
	"throwIf": func(arg string) predicateFunc {
		return func(_, v value) bool { throwIf(v, arg); return true }
	},
}

var keys = table[valueFunc]{
	"firstChar": simple(func(_, v value) value { return firstChar(v) }),
	"value":     values["str"],
	"key":       simple(func(k, _ value) value { return k }),
	"const":     func(arg string) valueFunc { return func(_, _ value) value { return arg } },
	"null":      values["null"],
	"appendKey": func(arg string) valueFunc {
		return func(k, _ value) value { return notNull(func(k value) value { return text(k) + arg })(nil, k) }
	},
	"text":      simple(func(k, _ value) value { return values["str"]("")(nil, k) }),
	"lenKey":    values["len"],
	"windowKey": simple(func(k, _ value) value { return innerKey(k) }),
}

var pairs = table[pairFunc]{
	"identity":             simple(func(k, v value) (value, value) { return k, v }),
	"swap":                 simple(func(k, v value) (value, value) { return v, k }),
	"byFirstChar":          simple(func(_, v value) (value, value) { return firstChar(v), v }),
	"byValue":              simple(func(k, v value) (value, value) { return values["str"]("")(k, v), v }),
	"byConst":              func(arg string) pairFunc { return func(_, v value) (value, value) { return arg, v } },
	"byText":               simple(func(k, v value) (value, value) { return values["str"]("")(nil, k), v }),
	"byWindowKey":          simple(func(k, v value) (value, value) { return innerKey(k), v }),
	"byFirstCharNullValue": simple(func(_, v value) (value, value) { return firstChar(v), nil }),
	"constLen": func(arg string) pairFunc {
		return func(k, v value) (value, value) { return arg, values["len"]("")(k, v) }
	},
	"firstCharLen": simple(func(k, v value) (value, value) { return firstChar(v), values["len"]("")(k, v) }),
	// A Go function cannot return no pair at all: the panic stands for Java's error.
	"nullPair": simple(func(_, _ value) (value, value) { panic("no pair") }),
}

func words(v value) []string {
	if v == nil {
		return nil
	}
	return strings.FieldsFunc(text(v), func(r rune) bool { return r == ' ' })
}

var pairLists = table[pairsFunc]{
	"words": simple(func(_, v value) (out []stream.KeyValue[value, value]) {
		for _, w := range words(v) {
			out = append(out, stream.KV[value, value](w, w))
		}
		return out
	}),
	"dup": simple(func(k, v value) []stream.KeyValue[value, value] {
		return []stream.KeyValue[value, value]{{Key: k, Value: v}, {Key: k, Value: v}}
	}),
	"none":     simple(func(_, _ value) []stream.KeyValue[value, value] { return []stream.KeyValue[value, value]{} }),
	"nullList": simple(func(_, _ value) []stream.KeyValue[value, value] { return nil }),
}

var valueLists = table[valuesFunc]{
	"words": simple(func(_, v value) (out []value) {
		for _, w := range words(v) {
			out = append(out, w)
		}
		return out
	}),
	"wordsWithKey": simple(func(k, v value) (out []value) {
		for _, w := range words(v) {
			out = append(out, text(k)+":"+w)
		}
		return out
	}),
	"dup":      simple(func(_, v value) []value { return []value{v, v} }),
	"none":     simple(func(_, _ value) []value { return []value{} }),
	"nullList": simple(func(_, _ value) []value { return nil }),
}

var timestamps = table[timestampFunc]{
	"value": simple[timestampFunc](func(r topology.Record[value, value], _ int64) int64 {
		if _, at, ok := strings.Cut(text(r.Value), "@"); ok {
			return atoi(at)
		}
		return r.Timestamp
	}),
	"fixed": func(arg string) timestampFunc {
		return func(topology.Record[value, value], int64) int64 { return atoi(arg) }
	},
	"partitionTime":    simple[timestampFunc](func(_ topology.Record[value, value], partitionTime int64) int64 { return partitionTime }),
	"failOnInvalid":    simple(timestampFunc(nil)), // what a source does without an extractor
	"logAndSkip":       simple(timestampFunc(topology.SkipInvalidTimestamp[value, value])),
	"usePartitionTime": simple(timestampFunc(topology.PartitionTimeOnInvalidTimestamp[value, value])),
}

var topics = table[topicFunc]{
	"byKey": func(arg string) topicFunc {
		return func(r topology.Record[value, value]) string { return arg + text(r.Key) }
	},
	"byFirstChar": func(arg string) topicFunc {
		return func(r topology.Record[value, value]) string { return arg + text(firstChar(r.Value)) }
	},
}

var partitioners = table[sinkFunc]{
	"drop": func(arg string) sinkFunc {
		return func(_ string, r topology.Record[value, value], _ int32) ([]int32, bool) {
			return nil, r.Value != nil && strings.HasPrefix(text(r.Value), arg)
		}
	},
	"zero": simple[sinkFunc](func(string, topology.Record[value, value], int32) ([]int32, bool) { return []int32{0}, true }),
}
