package embedded_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/streamweir/streamweir/stream/embedded"
)

func ExampleStart() {
	cluster, err := embedded.Start(embedded.Config{
		Topics: []embedded.Topic{
			{Name: "orders", Partitions: 4},
			{Name: "customers", Partitions: 4, Config: map[string]string{"cleanup.policy": "compact"}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = cluster.Close() }()

	answer, err := http.Get(cluster.RegistryURL() + "/subjects")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	subjects, err := io.ReadAll(answer.Body)
	fmt.Printf("%d broker, schemas: %s", len(cluster.Brokers()), subjects)
	if err != nil {
		fmt.Println(err)
	}
	// Output: 1 broker, schemas: []
}
