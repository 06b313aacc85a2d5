package stream_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
)

// broker starts a Kafka that has these words in the topic "words".
func broker(words ...string) *embedded.Cluster {
	c, err := embedded.Start(embedded.Config{Topics: []embedded.Topic{{Name: "words"}}})
	check(err)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.DefaultProduceTopic("words"))
	check(err)
	defer client.Close()
	for _, w := range words {
		check(client.ProduceSync(context.Background(), kgo.StringRecord(w)).FirstErr())
	}
	return c
}

// newApp is an App over a topology of which each record is shown.
func newApp(c *embedded.Cluster, show func(word string)) (app *stream.App, cleanup func()) {
	b := stream.NewBuilder()
	stream.From(b, "words", text).Foreach(func(_, word string) { show(word) })
	topo, err := b.Build()
	check(err)
	dir, err := os.MkdirTemp("", "example")
	check(err)
	app, err = stream.NewApp(topo, stream.Config{ApplicationID: "example", Brokers: c.Brokers(), StateDir: filepath.Join(dir, "state"),
		Guarantee: stream.ExactlyOnce, Log: slog.New(slog.DiscardHandler)})
	check(err)
	return app, func() {
		check(c.Close())
		check(os.RemoveAll(dir))
	}
}

// An App runs until its context is cancelled, by a signal for instance; here, by the
// last record. What was processed is committed before Run returns.
func ExampleApp_Run() {
	ctx, cancel := context.WithCancel(context.Background())
	app, cleanup := newApp(broker("to", "be", "."), func(word string) {
		fmt.Println(word)
		if word == "." {
			cancel()
		}
	})
	defer cleanup()
	fmt.Println("Run returned", app.Run(ctx))
	// Output:
	// to
	// be
	// .
	// Run returned <nil>
}

// The function is told each state; this one ends the App once its tasks process.
func ExampleApp_OnState() {
	ctx, cancel := context.WithCancel(context.Background())
	app, cleanup := newApp(broker(), func(string) {})
	defer cleanup()
	app.OnState(func(s stream.State) {
		if s == stream.Running || s == stream.Stopped {
			fmt.Println("the App is", s)
			cancel()
		}
	})
	check(app.Run(ctx))
	// Output:
	// the App is running
	// the App is stopped
}

func ExampleApp_Status() {
	ctx, cancel := context.WithCancel(context.Background())
	app, cleanup := newApp(broker("one", "two"), func(word string) {
		if word == "two" {
			cancel()
		}
	})
	defer cleanup()
	fmt.Println(app.Status().State)
	check(app.Run(ctx))
	s := app.Status()
	fmt.Println(s.State, "after", s.RecordsIn, "records")
	// Output:
	// created
	// stopped after 2 records
}

// What is wrong with a configuration is returned before anything is connected.
func ExampleNewApp() {
	b := stream.NewBuilder()
	stream.From(b, "words", text).To("copies", nil)
	topo, err := b.Build()
	check(err)
	_, err = stream.NewApp(topo, stream.Config{Brokers: []string{"localhost"}, Workers: -1})
	fmt.Println(err)
	// Output:
	// stream: Config.ApplicationID: a name is empty
	// stream: Config.Brokers has "localhost", which is not of the form host:port
	// stream: Config.Workers is -1, at least 1 is needed
}

func ExampleApp_Topology() {
	b := stream.NewBuilder()
	stream.From(b, "words", text).To("copies", nil)
	topo, err := b.Build()
	check(err)
	app, err := stream.NewApp(topo, stream.Config{ApplicationID: "example", Brokers: []string{"localhost:9092"}})
	check(err)
	fmt.Print(app.Topology().Describe())
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: KSTREAM-SOURCE-0000000000 (topics: [words])
	//       --> KSTREAM-SINK-0000000001
	//     Sink: KSTREAM-SINK-0000000001 (topic: copies)
	//       <-- KSTREAM-SOURCE-0000000000
}

func ExampleConfig_Validate() {
	c := stream.Config{ApplicationID: "shop", Brokers: []string{"localhost:9092"}, Compression: "rar"}
	fmt.Println(c.Validate())
	// Output:
	// stream: Config.Compression is "rar": use none, gzip, snappy, lz4 or zstd
}

func ExampleParseGuarantee() {
	g, err := stream.ParseGuarantee("exactly_once_v2")
	fmt.Println(g == stream.ExactlyOnce, g, err)
	_, err = stream.ParseGuarantee("at_most_once")
	fmt.Println(err)
	// Output:
	// true exactly_once_v2 <nil>
	// stream: guarantee "at_most_once" is neither at_least_once nor exactly_once_v2
}

// Of a partition from 0 to 12, what is before 8 is processed and committed.
func ExamplePartitionStatus_Lag() {
	p := stream.PartitionStatus{Topic: "orders", Committed: 8, End: 12}
	fmt.Println(p.Lag())
	// Output:
	// 4
}
