package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// keys are the settings of the file by their whole names.
var keys = map[string]func(c *Config, value string) error{
	"kafka.bootstrap-servers":                 func(c *Config, v string) error { return (*list)(&c.Brokers).Set(v) },
	"kafka.schema-registry.url":               text(func(c *Config) *string { return &c.Registry }),
	"kafka.streams.application-id":            text(func(c *Config) *string { return &c.ApplicationID }),
	"kafka.streams.processing-guarantee":      text(func(c *Config) *string { return &c.Guarantee }),
	"kafka.streams.state-dir":                 text(func(c *Config) *string { return &c.StateDir }),
	"kafka.streams.num-stream-threads":        number(func(c *Config, n int64) { c.Threads = int(n) }),
	"kafka.streams.cache-max-bytes-buffering": number(func(c *Config, n int64) { c.CacheBytes = n }),
	"kafka.streams.commit-interval-ms":        number(func(c *Config, n int64) { c.CommitInterval = time.Duration(n) * time.Millisecond }),
	"kafka.streams.producer.batch-size":       number(func(c *Config, n int64) { c.BatchSize = int(n) }),
	"kafka.streams.producer.linger-ms":        number(func(c *Config, n int64) { c.Linger = time.Duration(n) * time.Millisecond }),
}

func text(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error { *at(c) = v; return nil }
}

// number takes what fits all settings: no milliseconds, bytes or threads beyond
// 2^31.
func number(set func(*Config, int64)) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is not a whole number from 0 to 2147483647", v)
		}
		set(c, n)
		return nil
	}
}

// readFile applies a YAML file and returns all that is wrong with it, each with
// its line.
func (c *Config) readFile(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("inventory: configuration: %w", err)
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return fmt.Errorf("inventory: %s: not YAML: %w", path, err)
	}
	r := &reader{config: c, path: path, seen: map[string]int{}}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			r.node("", doc.Body)
		}
	}
	return errors.Join(r.errs...)
}

type reader struct {
	config *Config
	path   string
	seen   map[string]int // key -> line
	errs   []error
}

func (r *reader) fail(at ast.Node, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("inventory: %s: line %d: %s", r.path, at.GetToken().Position.Line, fmt.Sprintf(format, args...)))
}

func (r *reader) node(prefix string, n ast.Node) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			r.node(prefix, v)
		}
	case *ast.MappingValueNode:
		r.entry(prefix, n)
	case *ast.NullNode, *ast.CommentGroupNode: // a section without content
	default:
		r.fail(n, "%s: want settings below it", prefix)
	}
}

// entry takes a setting or a section. Both may have several parts of the name in
// one key, as in kafka.streams: ...
func (r *reader) entry(prefix string, n *ast.MappingValueNode) {
	key := strings.TrimPrefix(prefix+"."+n.Key.GetToken().Value, ".")
	set, known := keys[key]
	if !known {
		if isSection(key) {
			r.node(key, n.Value)
			return
		}
		r.fail(n.Key, "unknown setting %s; below %s there is %s", key, section(key), strings.Join(below(section(key)), ", "))
		return
	}
	if line, twice := r.seen[key]; twice {
		r.fail(n.Key, "%s is set in line %d already", key, line)
		return
	}
	r.seen[key] = n.Key.GetToken().Position.Line
	value, ok := scalar(n.Value)
	if !ok {
		r.fail(n.Key, "%s: want a single value", key)
		return
	}
	if err := set(r.config, value); err != nil {
		r.fail(n.Key, "%s: %v", key, err)
	}
}

// scalar returns a value as text. A list of servers is as good as one text with
// commas.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.SequenceNode:
		parts := make([]string, len(n.Values))
		for i, v := range n.Values {
			s, ok := v.(ast.ScalarNode)
			if !ok {
				return "", false
			}
			parts[i] = s.GetToken().Value
		}
		return strings.Join(parts, ","), true
	case *ast.NullNode:
		return "", false
	case ast.ScalarNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func isSection(key string) bool { return len(below(key)) > 0 }

// section returns the longest section that a key is in.
func section(key string) string {
	for {
		at := strings.LastIndexByte(key, '.')
		if at < 0 {
			return "the top"
		}
		if key = key[:at]; isSection(key) {
			return key
		}
	}
}

// below returns what may stand in a section.
func below(section string) []string {
	prefix := section + "."
	if section == "the top" {
		prefix = ""
	}
	var names []string
	for key := range keys {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			name, _, _ := strings.Cut(rest, ".")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
