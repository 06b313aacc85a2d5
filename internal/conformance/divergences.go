package conformance

// divergences are the scenarios in which the library differs from Kafka Streams on
// purpose, with the reason: where the original fails its user, or what it does
// cannot be said in Go. A scenario that is listed must differ. One that is not runs
// with streamtest.Config.Exact.
var divergences = map[string]string{
	"window-emit-final-jump-loses":              "every window that closes is emitted; in Java a jump of stream time drops the store's closed windows before they are",
	"kstream-flat-map-null-list":                "a nil slice is an empty list in Go; Java's null list is a NullPointerException",
	"kstream-flat-map-values-null-list":         "a nil slice is an empty list in Go; Java's null list is a NullPointerException",
	"kstream-headers-aliasing":                  "headers are immutable: what a processor adds is not seen by its siblings, as it is in Java by an accident of aliasing",
	"optimize-aggregate-and-join-shared-filter": "Kafka Streams cannot merge repartition topics behind a common operator: an exception of Build",
	"random-1-0041":                             "a session that has expired is gone; in Java it is joined with new ones for as long as the record cache happens to hold it, so results depend on the cache",
	"random-77-0204":                            "a repartition stays behind a processor, which may change the keys; Kafka Streams moves it in front, and records of one key are in several partitions",
	"random-4711-0270":                          "both streams of a merge are repartitioned; Kafka Streams repartitions only the one whose keys change, whatever number of partitions the other has",
}
