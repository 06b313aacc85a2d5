package stream

import (
	"cmp"
	"fmt"
	"io"
	"sync"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/topology"
)

// Print writes each record to w as a line "[label]: key, value" and ends the stream,
// for a look at what goes on. The label may be empty: it is then the name of the
// operator whose records are printed. Null is written as null. Tasks write one line at
// a time; an error of w goes to the error handler. [KStream.Peek] and Foreach print
// otherwise. Options: [Named]. Kafka Streams: KStream.print(Printed).
func (s *KStream[K, V]) Print(w io.Writer, label string, opts ...Option) {
	const prefix = "KSTREAM-PRINTER-"
	o := s.b.options(prefix, opts, optName)
	label = cmp.Or(label, s.name)
	if w == nil {
		s.b.g.Failf(cmp.Or(o.name, s.b.g.Next(prefix)), "Print was called without a writer")
	}
	var one sync.Mutex
	s.filter(prefix, opts, func(_ graph.Task, r *topology.Record[K, V]) (bool, error) {
		line := fmt.Sprintf("[%s]: %s, %s\n", label, printed(r.Key, r.NullKey), printed(r.Value, r.NullValue))
		one.Lock()
		defer one.Unlock()
		_, err := io.WriteString(w, line)
		return false, err
	})
}

func printed(v any, null bool) string {
	if null {
		return "null"
	}
	return fmt.Sprint(v)
}
