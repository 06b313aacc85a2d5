package task_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/topology"
)

var update = flag.Bool("update", false, "write what the transcripts in testdata show now")

// A transcript is a file of commands, lines that begin with "> ", each followed by
// what it shows:
//
//	task a b@3 idle=0        makes a task with inputs a and b, b from offset 3 on. Options: idle (MaxIdle), skip (the
//	                         error handler), every and wall (a punctuation of stream and of wall-clock time), stop (the
//	                         punctuation cancels itself in that call)
//	add a 0@5 1@7=bad next=3 end=9
//	                         queues records of a by offset and timestamp, the second with a value that cannot be decoded
//	process 2                processes up to 2 records, or all, and shows them
//	down a                   makes decoding of a's records fail for now; up ends it
//	now 100                  sets the wall clock, without a step
//	wall 100                 sets it and runs wall-clock punctuations
//	offsets                  shows what to commit, with each partition's time
//	time                     shows the stream time
//	needed                   shows whether there is anything to commit
//	commit                   commits
//	reset a@1 b              starts anew from there
//	stats                    shows the counters
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// play runs the commands of a transcript and returns it with what they show now.
func play(t *testing.T, script string) string {
	var b strings.Builder
	s := &scene{t: t}
	for line := range strings.Lines(script) {
		command, is := strings.CutPrefix(strings.TrimSpace(line), "> ")
		if is || strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			b.WriteString(line)
		}
		if is {
			for _, shown := range s.run(strings.Fields(command)) {
				b.WriteString(shown + "\n")
			}
		}
	}
	return b.String()
}

// scene is a transcript's task.
type scene struct {
	*rig
	t       *testing.T
	seen    []string // by the processor, since the last command
	down    map[string]bool
	options map[string]int64
}

func (s *scene) run(command []string) []string {
	args := command[1:]
	switch command[0] {
	case "task":
		s.open(args)
		return nil
	case "add":
		return s.add(args)
	case "process":
		return s.process(args)
	case "down", "up":
		s.down[args[0]] = command[0] == "down"
		return nil
	case "now":
		s.now = s.number(args[0])
		return nil
	case "wall":
		s.now = s.number(args[0])
		return s.show(s.Punctuate(context.Background(), s.now))
	case "offsets":
		return s.positions()
	case "time":
		return []string{fmt.Sprint(s.StreamTime())}
	case "needed":
		needed, _ := s.CommitNeeded()
		return []string{fmt.Sprint(needed)}
	case "commit":
		s.commit()
		return nil
	case "reset":
		if err := s.Reset(s.inputs(args)); err != nil {
			s.t.Fatal(err)
		}
		s.start()
		return nil
	case "stats":
		st := s.Stats()
		return []string{fmt.Sprintf("records %d, dropped %d", st.Records, st.Dropped)}
	}
	s.t.Fatalf("no command %q", command[0])
	return nil
}

// open makes the task: a source for each input, all into one processor.
func (s *scene) open(args []string) {
	s.options, s.down, s.seen = map[string]int64{"idle": -1}, map[string]bool{}, nil
	var inputs, sources []string
	for _, a := range args {
		if name, value, is := strings.Cut(a, "="); is {
			s.options[name] = s.number(value)
		} else {
			inputs = append(inputs, a)
		}
	}
	topo := topology.New()
	for _, in := range s.inputs(inputs) {
		name := in.Partition.Topic + "-source"
		sources = append(sources, name)
		serde := words{down: s.down}
		topology.AddSource(topo, name, topology.Source[string, string]{Key: serde, Value: serde, Topics: []string{in.Partition.Topic}})
	}
	topology.AddProcessor[string, string, string, string](topo, "p", func() *proc { return &proc{init: s.init, process: s.see} }, sources...)
	s.rig = newRig(s.t, topo, func(c *task.Config) {
		c.Inputs, c.MaxIdle = s.inputs(inputs), s.options["idle"]
		if s.options["skip"] != 0 {
			c.Handler = func(context.Context, *topology.ProcessingError) topology.Action { return topology.Skip }
		}
	})
}

func (s *scene) init(p *proc) error {
	for name, by := range map[string]topology.Punctuation{"every": topology.StreamTime, "wall": topology.WallClockTime} {
		if s.options[name] == 0 {
			continue
		}
		calls, cancel := int64(0), func() {}
		var err error
		cancel, err = p.pc.Schedule(time.Duration(s.options[name])*time.Millisecond, by, func(_ context.Context, ts int64) error {
			s.seen = append(s.seen, fmt.Sprintf("[%d]", ts))
			if calls++; calls == s.options["stop"] {
				cancel()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) see(_ *proc, r word) error {
	s.seen = append(s.seen, r.Key)
	return nil
}

// inputs reads "a@3": topic a from offset 3 on, with 3 records on the broker.
func (s *scene) inputs(args []string) []task.Input {
	var inputs []task.Input
	for _, a := range args {
		topic, at, is := strings.Cut(a, "@")
		in := task.Input{Partition: part(topic), Time: -1}
		if is {
			in.Offset = s.number(at)
			in.End = in.Offset
		}
		inputs = append(inputs, in)
	}
	return inputs
}

func (s *scene) add(args []string) []string {
	b := task.Batch{Partition: part(args[0])}
	for _, a := range args[1:] {
		if next, is := strings.CutPrefix(a, "next="); is {
			b.Next = s.number(next)
			b.End = max(b.End, b.Next)
		} else if end, is := strings.CutPrefix(a, "end="); is {
			b.End = s.number(end)
		} else {
			b.Records = append(b.Records, s.record(args[0], a))
			b.Next = b.Records[len(b.Records)-1].Offset + 1
			b.End = b.Next
		}
	}
	if _, err := s.Add(b); err != nil {
		return []string{"error: " + err.Error()}
	}
	return nil
}

func (s *scene) record(topic, text string) record.Record {
	offset, ts, _ := strings.Cut(text, "@")
	ts, value, is := strings.Cut(ts, "=")
	if !is {
		value = "good"
	}
	return record.Record{Key: []byte(topic + offset), Value: []byte(value), Offset: s.number(offset), Timestamp: s.number(ts)}
}

func (s *scene) process(args []string) []string {
	limit := 1000
	if len(args) > 0 {
		limit = int(s.number(args[0]))
	}
	_, err := s.Process(context.Background(), s.now, limit)
	if shown := s.show(err); err != nil || s.Waiting() == nil {
		return shown
	} else {
		return append(shown, "waits")
	}
}

func (s *scene) show(err error) []string {
	line := "nothing"
	if len(s.seen) > 0 {
		line = strings.Join(s.seen, " ")
	}
	s.seen = nil
	if err != nil {
		return []string{line, "error: " + err.Error()}
	}
	return []string{line}
}

func (s *scene) positions() []string {
	var lines []string
	at := s.Offsets()
	for _, in := range s.cfg.Inputs {
		p := at[in.Partition]
		lines = append(lines, fmt.Sprintf("%s %d, time %d", in.Partition.Topic, p.Offset, p.Time))
	}
	return lines
}

func (s *scene) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
