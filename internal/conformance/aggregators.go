package conformance

// Functions of aggregations.

type (
	initFunc      = func() value
	aggregateFunc = func(k, v, aggregate value) value
	reduceFunc    = func(x, y value) value
	mergeFunc     = func(k, x, y value) value
)

var inits = table[initFunc]{
	"empty": simple(func() value { return "" }),
	"zero":  simple(func() value { return int64(0) }),
	"null":  simple(func() value { return nil }),
	"text":  func(arg string) initFunc { return func() value { return arg } },
}

// sofar is the text of an aggregate, empty for null.
func sofar(aggregate value) string {
	if aggregate == nil {
		return ""
	}
	return text(aggregate)
}

func notZero(n int64) value {
	if n == 0 {
		return nil
	}
	return n
}

// aggregators are also the adders and subtractors of grouped tables.
var aggregators = table[aggregateFunc]{
	"append":         simple(func(_, v, g value) value { return sofar(g) + "+" + text(v) }),
	"remove":         simple(func(_, v, g value) value { return sofar(g) + "-" + text(v) }),
	"appendWithKey":  simple(func(k, v, g value) value { return sofar(g) + "+" + text(k) + ":" + text(v) }),
	"sum":            simple(func(_, v, g value) value { return number(g) + number(v) }),
	"subtract":       simple(func(_, v, g value) value { return number(g) - number(v) }),
	"sumOrNull":      simple(func(_, v, g value) value { return notZero(number(g) + number(v)) }),
	"subtractOrNull": simple(func(_, v, g value) value { return notZero(number(g) - number(v)) }),
	"last":           simple(func(_, v, _ value) value { return v }),
	"keep":           simple(func(_, _, g value) value { return g }),
	"null":           simple(func(_, _, _ value) value { return nil }),
	"nullOn": func(arg string) aggregateFunc {
		return func(_, v, g value) value {
			if text(v) == arg {
				return nil
			}
			return sofar(g) + "+" + text(v)
		}
	},
}

var reducers = table[reduceFunc]{
	"concat":   simple(func(x, y value) value { return text(x) + "," + text(y) }),
	"minus":    simple(func(x, y value) value { return text(x) + "-" + text(y) }),
	"sum":      simple(func(x, y value) value { return number(x) + number(y) }),
	"subtract": simple(func(x, y value) value { return number(x) - number(y) }),
	"max":      simple(larger),
	"first":    simple(func(x, _ value) value { return x }),
	"last":     simple(func(_, y value) value { return y }),
	"null":     simple(func(_, _ value) value { return nil }),
	"nullOn": func(arg string) reduceFunc {
		return func(x, y value) value {
			if text(y) == arg {
				return nil
			}
			return text(x) + "," + text(y)
		}
	},
}

var mergers = table[mergeFunc]{
	"concat": simple(func(_, x, y value) value { return sofar(x) + "|" + sofar(y) }),
	"sum":    simple(func(_, x, y value) value { return number(x) + number(y) }),
}

// larger is the larger of two longs or strings; null is the smallest, and x is
// taken where they are equal.
func larger(x, y value) value {
	a, long := x.(int64)
	switch {
	case y == nil:
		return x
	case x == nil:
		return y
	case long && a < y.(int64), !long && text(x) < text(y):
		return y
	}
	return x
}
