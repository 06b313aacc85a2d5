package graph

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The orders are those of a java.util.HashSet of OpenJDK 17.
func TestJavaOrder(t *testing.T) {
	for _, c := range []struct{ names, want []string }{
		{[]string{"b", "a", "c"},
			[]string{"a", "b", "c"}},
		{[]string{"orders", "customers", "payments", "shipments"},
			[]string{"payments", "orders", "customers", "shipments"}},
		{[]string{"KSTREAM-SOURCE-0000000000", "KSTREAM-FILTER-0000000001", "KSTREAM-MAPVALUES-0000000002", "KSTREAM-SINK-0000000003", "KTABLE-SOURCE-0000000004"},
			[]string{"KSTREAM-MAPVALUES-0000000002", "KSTREAM-SINK-0000000003", "KSTREAM-SOURCE-0000000000", "KTABLE-SOURCE-0000000004", "KSTREAM-FILTER-0000000001"}},
		{[]string{"Aa", "BB", "AaAa", "BBBB", "AaBB"},
			[]string{"Aa", "BB", "AaAa", "BBBB", "AaBB"}},
		{[]string{"größe", "日本", "😀", "x"},
			[]string{"größe", "😀", "x", "日本"}},
		{[]string{"t00", "t01", "t02", "t03", "t04", "t05", "t06", "t07", "t08", "t09", "t10", "t11", "t12"},
			[]string{"t10", "t01", "t12", "t00", "t11", "t03", "t02", "t05", "t04", "t07", "t06", "t09", "t08"}},
		{[]string{"t00", "t01", "t02", "t03", "t04", "t05", "t06", "t07", "t08", "t09", "t10", "t11"},
			[]string{"t10", "t01", "t00", "t11", "t03", "t02", "t05", "t04", "t07", "t06", "t09", "t08"}},
		{[]string{"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "twenty-one", "twenty-two", "twenty-three", "twenty-four", "twenty-five", "twenty-six"},
			[]string{"nine", "twenty-one", "seven", "twenty-six", "two", "three", "thirteen", "eight", "four", "sixteen", "ten", "five", "twenty", "fifteen", "six", "twenty-three", "nineteen", "one", "eighteen", "fourteen", "twenty-five", "seventeen", "twelve", "eleven", "twenty-two", "twenty-four"}},
		{[]string{},
			[]string{}},
	} {
		if diff := cmp.Diff(c.want, javaOrder(c.names)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.names, diff)
		}
	}
}
