package avro

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"go.uber.org/goleak"

	"github.com/streamweir/streamweir/serde"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// requests counts what a fake registry is asked.
func requests(f *srfake.Registry) *atomic.Int64 {
	var n atomic.Int64
	f.Intercept(func(http.ResponseWriter, *http.Request) bool {
		n.Add(1)
		return false
	})
	return &n
}

// answering is a registry that gives one answer to everything.
func answering(t *testing.T, status int, body string) (*Registry, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	r := NewRegistry(s.URL, Config{Timeout: 5 * time.Second})
	t.Cleanup(r.Close)
	return r, &n
}

func TestEachAnswerIsAskedForOnce(t *testing.T) {
	r, f := fake(t)
	n := requests(f)
	s := For[inventoryEvent](r, eventSchema)
	var data []byte
	for range 3 {
		c := bind(t, s)
		for range 3 {
			data = encode(t, c, sampleEvent())
		}
	}
	asked := n.Load()
	if asked > 2 { // srclient reads back what it registered
		t.Errorf("%d requests to register one schema", asked)
	}
	for range 3 {
		c := bind(t, For[inventoryEvent](r, eventSchema))
		decode(t, c, data)
		decode(t, c, data)
	}
	if more := n.Load() - asked; more > 1 {
		t.Errorf("%d requests to look up one id", more)
	}
	if got, ok := f.GetSchema("topic-value", 1); !ok || got.Schema.Type != sr.TypeAvro {
		t.Errorf("subject topic-value: %v, %v", got, ok)
	}
}

func TestNothingIsAskedBeforeTheFirstRecord(t *testing.T) {
	r := NewRegistry("http://127.0.0.1:1", Config{})
	bind(t, For[inventoryEvent](r, eventSchema))
	bind(t, Record(r, eventSchema))
}

// both gives the errors of looking up and of registering.
func both(r *Registry) map[string]error {
	_, lookup := r.lookup(7)
	r.fail(nil)
	_, register := r.register("topic-value", `"string"`, &options{})
	return map[string]error{opLookup: lookup, opRegister: register}
}

func TestFailuresThatMayPassAreRetriable(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	cases := map[string]*Registry{"no connection": NewRegistry(down.URL, Config{})}
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		cases[fmt.Sprint(status)], _ = answering(t, status, "busy")
		cases[fmt.Sprint(status, " with code")], _ = answering(t, status, `{"error_code":50003,"message":"no leader"}`)
	}
	for _, body := range []string{"", "null", "<html>", "[]", `"text"`, `{"schema":`, `{}`, `{"schema":7,"id":"x"}`} {
		cases["200 with "+body], _ = answering(t, 200, body)
	}
	for name, r := range cases {
		for op, err := range both(r) {
			if !errors.Is(err, serde.ErrRetriable) {
				t.Errorf("%s: %s: %v is final", name, op, err)
			}
		}
	}
}

// A follower of a registry's leader may not have yet what the leader has just
// registered, and srclient reads it back.
func TestReadBackThatFindsNothingIsRetriable(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost {
			fmt.Fprint(w, `{"id":3}`)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error_code":40403,"message":"Schema not found"}`)
	}))
	defer s.Close()
	r := NewRegistry(s.URL, Config{})
	defer r.Close()
	if _, err := r.Register("topic-value", `"int"`); !errors.Is(err, serde.ErrRetriable) {
		t.Errorf("%v is final", err)
	}
}

func TestTimeoutIsRetriableAndBounded(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-release:
		case <-req.Context().Done():
		}
	}))
	defer s.Close()
	defer close(release)
	r := NewRegistry(s.URL, Config{Timeout: 20 * time.Millisecond})
	defer r.Close()
	if _, err := r.lookup(7); !errors.Is(err, serde.ErrRetriable) {
		t.Errorf("%v is final", err)
	}
}

func TestRefusalsAreFinal(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		word   string
	}{
		{401, "", "401 Unauthorized"},
		{403, `{"error_code":403,"message":"no access"}`, "no access"},
		{404, `{"error_code":40403,"message":"Schema not found"}`, "Schema not found"},
		{409, `{"error_code":409,"message":"incompatible with an earlier schema"}`, "incompatible"},
		{422, `{"error_code":42201,"message":"Invalid Avro schema"}`, "42201"},
	} {
		r, _ := answering(t, c.status, c.body)
		for op, err := range both(r) {
			if err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), c.word) {
				t.Errorf("%d: %s: %v", c.status, op, err)
			}
		}
	}
	for _, url := range []string{"", "ftp://registry", "http://[broken"} {
		for op, err := range both(NewRegistry(url, Config{})) {
			if err == nil || errors.Is(err, serde.ErrRetriable) {
				t.Errorf("URL %q: %s: %v", url, op, err)
			}
		}
	}
}

func TestUnknownIDIsRememberedForAWhile(t *testing.T) {
	r, f := fake(t)
	n := requests(f)
	now := time.Now()
	r.now = func() time.Time { return now }
	c := bind(t, For[inventoryEvent](r, eventSchema))
	for range 5 {
		_, err := c.Decode([]byte{0, 0, 0, 0, 99, 1, 2, 3})
		if err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), "schema id 99 is not in the registry") {
			t.Fatalf("%v", err)
		}
	}
	if n.Load() != 1 {
		t.Errorf("%d requests for an unknown id", n.Load())
	}
	f.SeedSchema("x-value", 1, 99, sr.Schema{Schema: eventSchema})
	now = now.Add(refusalMemory)
	if _, err := r.lookup(99); err != nil {
		t.Errorf("after a while: %v", err)
	}
	if _, err := c.Decode([]byte{0, 0xff, 0xff, 0xff, 0xff, 1}); err == nil || n.Load() != 2 {
		t.Errorf("negative id: %v, %d requests", err, n.Load())
	}
}

func TestUnknownIDsAreNotKeptWithoutBound(t *testing.T) {
	r := NewRegistry("http://127.0.0.1:1", Config{})
	for i := range int32(3 * maxRefusals) {
		r.refuse(idKey{i}, errors.New("unknown"))
	}
	if len(r.refusals) > maxRefusals {
		t.Errorf("%d ids are remembered", len(r.refusals))
	}
}

func TestFailureSparesOthersTheWait(t *testing.T) {
	r, n := answering(t, 503, "")
	now := time.Now()
	r.now = func() time.Time { return now }
	for id := range int32(10) {
		if _, err := r.lookup(id); !errors.Is(err, serde.ErrRetriable) {
			t.Fatalf("%v", err)
		}
	}
	if n.Load() != 1 {
		t.Errorf("%d requests right after a failure", n.Load())
	}
	now = now.Add(failureMemory)
	_, _ = r.lookup(3)
	if n.Load() != 2 {
		t.Errorf("%d requests, want one more after a while", n.Load())
	}
}

func TestRegistryThatComesBackIsUsed(t *testing.T) {
	r, f := fake(t)
	now := time.Now()
	r.now = func() time.Time { return now }
	c := bind(t, For[inventoryEvent](r, eventSchema))
	f.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	if _, err := c.Append(nil, sampleEvent()); !errors.Is(err, serde.ErrRetriable) {
		t.Fatalf("%v", err)
	}
	f.ClearInterceptors()
	now = now.Add(failureMemory)
	decode(t, c, encode(t, c, sampleEvent()))
}

// TestSlowAnswerIsSharedAndBlocksNoOther holds the answer for id 2 back: all
// who want it share one request, and id 1, which is known, needs none.
func TestSlowAnswerIsSharedAndBlocksNoOther(t *testing.T) {
	r, f := fake(t)
	f.SeedSchema("a-value", 1, 1, sr.Schema{Schema: `"int"`})
	f.SeedSchema("b-value", 1, 2, sr.Schema{Schema: `"string"`})
	if _, err := r.lookup(1); err != nil {
		t.Fatal(err)
	}
	n := requests(f)
	asked, release := make(chan struct{}, 100), make(chan struct{})
	f.Intercept(func(http.ResponseWriter, *http.Request) bool {
		asked <- struct{}{}
		<-release
		return false
	})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if w, err := r.lookup(2); err != nil || w.schema.Label() != "string" {
				t.Errorf("%v, %v", w, err)
			}
		})
	}
	<-asked
	if w, err := r.lookup(1); err != nil || w.schema.Label() != "int" {
		t.Errorf("known id: %v, %v", w, err)
	}
	close(release)
	all.Wait()
	if n.Load() != 1 {
		t.Errorf("%d requests for one id", n.Load())
	}
}

func TestNextURLIsAsked(t *testing.T) {
	f := srfake.New()
	defer f.Close()
	f.SeedSchema("a-value", 1, 1, sr.Schema{Schema: `"int"`})
	f.SeedSchema("b-value", 1, 2, sr.Schema{Schema: `"string"`})
	down := httptest.NewServer(nil)
	down.Close()
	var failed atomic.Int64
	r := NewRegistry(down.URL+" , "+f.URL()+"/", Config{Observe: func(_ string, _ time.Duration, err error) {
		if err != nil {
			failed.Add(1)
		}
	}})
	defer r.Close()
	for id := range int32(2) {
		if _, err := r.lookup(id + 1); err != nil {
			t.Errorf("id %d: %v", id+1, err)
		}
	}
	if failed.Load() != 1 {
		t.Errorf("the URL that is down was asked %d times", failed.Load())
	}
}

func TestReferencesAreFollowed(t *testing.T) {
	r, f := fake(t)
	f.SeedSchema("money", 1, 1, sr.Schema{Schema: `{"type":"record","name":"m.Money","fields":[{"name":"cents","type":"long"}]}`})
	f.SeedSchema("topic-value", 1, 2, sr.Schema{
		Schema:     `{"type":"record","name":"Order","fields":[{"name":"price","type":"m.Money"}]}`,
		References: []sr.SchemaReference{{Name: "m.Money", Subject: "money", Version: 1}},
	})
	text, err := ToJSON(r, []byte{0, 0, 0, 0, 2, 84})
	if err != nil || string(text) != `{"price":{"cents":42}}` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestSchemaThatIsNotAvroIsFinal(t *testing.T) {
	for body, word := range map[string]string{
		`{"schema":"{}","schemaType":"JSON"}`:                      "JSON, not Avro",
		`{"schema":"{\"type\":\"nonsense\"}"}`:                     "nonsense",
		`{"schema":"{\"type\":\"int\"}","schemaType":"PROTOBUF"}`:  "PROTOBUF",
		`{"schema":"\"int\"","schemaType":"AVRO","references":[]}`: "",
	} {
		r, _ := answering(t, 200, body)
		_, err := r.lookup(7)
		if word == "" {
			if err != nil {
				t.Errorf("%s: %v", body, err)
			}
			continue
		}
		if err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestCredentialsAreSent(t *testing.T) {
	for want, c := range map[string]Config{
		"Basic dTpw":   {Username: "u", Password: "p"},
		"Bearer token": {BearerToken: "token"},
	} {
		f := srfake.New(srfake.WithAuth(want))
		r := NewRegistry(f.URL(), c)
		if _, err := r.Register("topic-value", `"int"`); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		r.Close()
		f.Close()
	}
}

func TestTLSIsUsed(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"schema":"\"int\""}`)
	}))
	defer s.Close()
	r := NewRegistry(s.URL, Config{TLS: s.Client().Transport.(*http.Transport).TLSClientConfig})
	defer r.Close()
	if _, err := r.lookup(1); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsIdleConnections(t *testing.T) {
	closed := make(chan struct{}, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"schema":"\"int\""}`)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	r := NewRegistry(s.URL, Config{})
	if _, err := r.lookup(1); err != nil {
		t.Fatal(err)
	}
	r.Close()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection stays open")
	}
}

func TestLookupOnlyRegistersNothing(t *testing.T) {
	_, f := fake(t)
	r := NewRegistry(f.URL(), Config{LookupOnly: true})
	defer r.Close()
	now := time.Now()
	r.now = func() time.Time { return now }
	c := bind(t, For[inventoryEvent](r, eventSchema))
	if _, err := c.Append(nil, sampleEvent()); err == nil || errors.Is(err, serde.ErrRetriable) {
		t.Errorf("a schema that is not registered: %v", err)
	}
	if f.SubjectExists("topic-value") {
		t.Error("the schema was registered")
	}
	f.SeedSchema("topic-value", 1, 5, sr.Schema{Schema: eventSchema})
	now = now.Add(refusalMemory)
	if data := encode(t, c, sampleEvent()); data[4] != 5 {
		t.Errorf("id %d, want 5", data[4])
	}
}

func TestRequestsAreObserved(t *testing.T) {
	_, f := fake(t)
	var mu sync.Mutex
	var seen []string
	r := NewRegistry(f.URL(), Config{Observe: func(op string, d time.Duration, err error) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprint(op, " ", d > 0, " ", err == nil))
	}})
	defer r.Close()
	id, err := r.Register("topic-value", `"int"`)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = r.lookup(id)
	_, _ = r.lookup(id)
	_, _ = r.lookup(id + 1)
	want := []string{"register true true", "lookup true true", "lookup true false"}
	if d := cmp.Diff(want, seen); d != "" {
		t.Error(d)
	}
}

// TestRealRegistry needs a Confluent-compatible registry.
func TestRealRegistry(t *testing.T) {
	url, run := realRegistry(t)
	r := NewRegistry(url, Config{})
	defer r.Close()
	s := For[*inventoryAggregate](r, aggregateSchema)
	want := sampleAggregate()
	for _, topic := range []string{run + "-a", run + "-b"} {
		w, err := s.Bind(topic, serde.Value)
		if err != nil {
			t.Fatal(err)
		}
		data := encode(t, w, &want)
		other := NewRegistry(url, Config{})
		if d := cmp.Diff(&want, decode(t, bind(t, For[*inventoryAggregate](other, aggregateSchema)), data)); d != "" {
			t.Errorf("%s: %s", topic, d)
		}
		if text, err := ToJSON(other, data); err != nil || !strings.Contains(string(text), `"sku":"LAPTOP-15"`) {
			t.Errorf("%s: %s, %v", topic, text, err)
		}
		other.Close()
	}
	if _, err := r.lookup(1 << 30); err == nil || errors.Is(err, serde.ErrRetriable) {
		t.Errorf("unknown id: %v", err)
	}
	if _, err := r.Register(run+"-c-value", `{"type":"nonsense"}`); err == nil || errors.Is(err, serde.ErrRetriable) {
		t.Errorf("bad schema: %v", err)
	}
}
