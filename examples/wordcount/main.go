// Wordcount counts the words of the topic lines into the topic word-counts, exactly
// once. The topics must exist:
//
//	kafka-topics.sh --bootstrap-server localhost:9092 --create --topic lines
//	kafka-topics.sh --bootstrap-server localhost:9092 --create --topic word-counts
//	go run ./examples/wordcount -brokers localhost:9092
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func main() {
	brokers := flag.String("brokers", "localhost:9092", "Kafka brokers, `host:port,...`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, strings.Split(*brokers, ",")); err != nil {
		log.Fatal(err)
	}
}

func wordcount() (*topology.Topology, error) {
	b := stream.NewBuilder()
	lines := stream.From(b, "lines", stream.With(serde.String(), serde.String()))
	words := stream.FlatMapValues(lines, strings.Fields)
	counts := stream.GroupBy(words, func(_, word string) string { return word }, stream.With(serde.String(), serde.String())).
		Count(stream.InStore("counts", serde.String(), serde.Int64()))
	counts.ToStream().To("word-counts", stream.With(serde.String(), serde.Int64()))
	return b.Build()
}

func run(ctx context.Context, brokers []string) error {
	topo, err := wordcount()
	if err != nil {
		return err
	}
	app, err := stream.NewApp(topo, stream.Config{ApplicationID: "wordcount", Brokers: brokers, Guarantee: stream.ExactlyOnce})
	if err != nil {
		return err
	}
	return app.Run(ctx)
}
