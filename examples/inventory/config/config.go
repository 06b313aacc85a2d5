// Package config is the configuration of the inventory application: defaults,
// then the YAML file that Kafka Streams users bring, then flags.
package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The processing guarantees, by their names in Kafka Streams.
const (
	ExactlyOnce   = "exactly_once"
	ExactlyOnceV2 = "exactly_once_v2"
	AtLeastOnce   = "at_least_once"
)

// The addresses of an embedded broker and registry unless something else listens
// there; far from Kafka's own, so that both can run.
const (
	EmbeddedBroker   = "127.0.0.1:19092"
	EmbeddedRegistry = "127.0.0.1:18081"
	DefaultHTTP      = "127.0.0.1:8080"
)

// Config is what the application can be told. Its zero value is not valid:
// [Default] is.
type Config struct {
	Brokers  []string // none: an embedded broker and registry
	Registry string   // URL

	ApplicationID  string
	Guarantee      string
	Threads        int
	CacheBytes     int64         // 0: every update is emitted
	CommitInterval time.Duration // 0: that of the guarantee
	StateDir       string
	BatchSize      int           // bytes; 0: the library's
	Linger         time.Duration // negative: the library's

	HTTP          string  // "": no page
	Rate          float64 // simulated events per second with the embedded broker
	For           time.Duration
	UntilCaughtUp bool
	JSON          bool
	CPUProfile    string // file; "": none

	given map[string]bool // flags that were given
}

// Default returns the configuration without file and flags.
func Default() Config {
	return Config{
		ApplicationID: "inventory-aggregation-app",
		Guarantee:     ExactlyOnceV2,
		Threads:       1,
		StateDir:      StateDir(),
		Linger:        -1,
		HTTP:          DefaultHTTP,
		Rate:          20,
	}
}

// StateDir returns the folder for state unless another is given. It is none that
// is cleaned up: what is in it would have to be restored.
func StateDir() string {
	base := os.Getenv("XDG_STATE_HOME")
	if home, err := os.UserHomeDir(); base == "" && err == nil {
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "streamweir-inventory")
}

// Embedded reports whether the application brings its own broker and registry.
func (c *Config) Embedded() bool { return len(c.Brokers) == 0 }

// Given reports whether a flag was given.
func (c *Config) Given(flag string) bool { return c.given[flag] }

// Parse reads the flags of the application and the file they name. An error is
// about all that is wrong. For -h it is [flag.ErrHelp], after the help was
// written to out.
func Parse(args []string, out io.Writer) (Config, error) {
	fromFlags := Default()
	file := ""
	fs := fromFlags.flags(&file)
	fs.SetOutput(out)
	if err := fs.Parse(args); err != nil {
		return Config{}, err
	}
	if fs.NArg() > 0 {
		return Config{}, fmt.Errorf("inventory: unexpected argument %q; flags begin with - and subcommands come first", fs.Arg(0))
	}
	c := Default()
	var problems error
	if file != "" {
		problems = c.readFile(file)
	}
	again := c.flags(new(string))
	c.given = map[string]bool{}
	fs.Visit(func(f *flag.Flag) {
		c.given[f.Name] = true
		_ = again.Set(f.Name, f.Value.String()) // the value was accepted before
	})
	if err := errors.Join(problems, c.Validate()); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (c *Config) flags(file *string) *flag.FlagSet {
	fs := flag.NewFlagSet("inventory", flag.ContinueOnError)
	fs.StringVar(file, "config", "", "YAML `file`, as Spring and Kafka Streams users have it; flags win over it")
	fs.Var((*list)(&c.Brokers), "brokers", "Kafka brokers, `host:port,...`; none: an embedded broker and registry")
	fs.StringVar(&c.Registry, "registry", c.Registry, "`URL` of the schema registry")
	fs.StringVar(&c.ApplicationID, "application-id", c.ApplicationID, "consumer group and prefix of internal topics")
	fs.StringVar(&c.Guarantee, "guarantee", c.Guarantee, "exactly_once, exactly_once_v2 (the same) or at_least_once")
	fs.IntVar(&c.Threads, "threads", c.Threads, "number of workers")
	fs.Int64Var(&c.CacheBytes, "cache-bytes", c.CacheBytes, "record cache; 0: every update is emitted")
	fs.DurationVar(&c.CommitInterval, "commit-interval", c.CommitInterval, "time between commits; 0: 100ms, and 30s with at_least_once")
	fs.StringVar(&c.StateDir, "state-dir", c.StateDir, "`folder` of state stores, and of the embedded broker")
	fs.StringVar(&c.HTTP, "http", c.HTTP, "`address` of the live page; empty: none")
	fs.Float64Var(&c.Rate, "rate", c.Rate, "simulated events per second with the embedded broker; 0: none")
	fs.DurationVar(&c.For, "for", c.For, "stop after this `time`")
	fs.BoolVar(&c.UntilCaughtUp, "until-caught-up", c.UntilCaughtUp, "stop when all input that was there at the start is committed; exit code 1 if that fails")
	fs.BoolVar(&c.JSON, "json", c.JSON, "print one line of JSON with figures at the end")
	fs.StringVar(&c.CPUProfile, "cpuprofile", c.CPUProfile, "write a CPU profile to this `file`")
	return fs
}

// Validate returns all that is wrong with the configuration.
func (c *Config) Validate() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("inventory: "+format, args...))
		}
	}
	wrong(!slices.Contains([]string{ExactlyOnce, ExactlyOnceV2, AtLeastOnce}, c.Guarantee),
		"guarantee %q: want %s, %s or %s", c.Guarantee, ExactlyOnceV2, ExactlyOnce, AtLeastOnce)
	wrong(!applicationID.MatchString(c.ApplicationID), "application id %q: want letters, digits, '.', '_' and '-'", c.ApplicationID)
	for _, b := range c.Brokers {
		wrong(!isAddress(b), "broker %q: want host:port", b)
	}
	for _, r := range strings.Split(c.Registry, ",") {
		u, err := url.Parse(r)
		wrong(r != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https"), "schema registry %q: want a URL like http://localhost:8081", r)
	}
	wrong(c.HTTP != "" && !isAddress(c.HTTP), "http address %q: want host:port, or nothing for no page", c.HTTP)
	wrong(c.Threads < 1, "threads %d: want at least 1", c.Threads)
	wrong(c.CacheBytes < 0, "cache bytes %d: want at least 0", c.CacheBytes)
	wrong(c.CommitInterval < 0, "commit interval %v: want at least 0", c.CommitInterval)
	wrong(c.BatchSize < 0, "producer batch size %d: want at least 0", c.BatchSize)
	wrong(c.StateDir == "", "the state directory is empty")
	wrong(c.Rate < 0, "rate %v: want at least 0", c.Rate)
	wrong(c.For < 0, "for %v: want at least 0", c.For)
	wrong(!c.Embedded() && c.Registry == "", "brokers are given without a schema registry: add -registry URL")
	wrong(c.Embedded() && c.Registry != "", "a schema registry is given without brokers: add -brokers host:port")
	return errors.Join(errs...)
}

var applicationID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)

func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	_, notNumber := strconv.ParseUint(port, 10, 16)
	return err == nil && notNumber == nil
}

// list is a flag of values separated by commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	*l = nil
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*l = append(*l, part)
		}
	}
	return nil
}
