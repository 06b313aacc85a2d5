package conformance

// divergences are the scenarios in which the library differs from Kafka Streams on
// purpose, with the reason: where the original fails its user, or what it does
// cannot be said in Go. A scenario that is listed must differ. One that is not runs
// with streamtest.Config.Exact and stream.MergeRepartitionsExactly.
var divergences = map[string]string{
	"window-emit-final-jump-loses":              "every window that closes is emitted; in Java a jump of stream time drops the store's closed windows before they are",
	"kstream-flat-map-null-list":                "a nil slice is an empty list in Go; Java's null list is a NullPointerException",
	"kstream-flat-map-values-null-list":         "a nil slice is an empty list in Go; Java's null list is a NullPointerException",
	"kstream-headers-aliasing":                  "headers are immutable; in Java a header that a processor adds appears on records that never had it, those of its siblings, if they were wired later",
	"optimize-aggregate-and-join-shared-filter": "repartitions behind a common operator are merged; Kafka Streams fails to build: \"Found a null keyChangingChild node\"",
	"random-77-0204":                            "a repartition stays behind a processor, which may change the keys; Kafka Streams moves it in front (KAFKA-19668, its fix is off by default), so that a key is counted in several partitions and results are wrong",
	"random-4711-0270":                          "both streams of a merge are repartitioned; Kafka Streams repartitions one of them and takes the other as it is partitioned, so that with another number of partitions records miss those they are joined or counted with",
}
