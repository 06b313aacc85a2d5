package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// registryFlags say which registry is asked, and how. What is secret is better given
// in the environment: other users of a machine see the arguments of a command.
type registryFlags struct {
	Registry  string        `env:"SCHEMA_REGISTRY_URL" placeholder:"URL" help:"The schema registry; several URLs of one registry are separated by commas."`
	BasicAuth string        `env:"SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO" placeholder:"USER:PASSWORD" help:"Basic authentication."`
	Bearer    string        `env:"SCHEMA_REGISTRY_BEARER_TOKEN" placeholder:"TOKEN" help:"A bearer token."`
	CA        string        `name:"ca" env:"SCHEMA_REGISTRY_CA" placeholder:"FILE" help:"Certificates (PEM) of the authorities to trust instead of the system's."`
	Cert      string        `env:"SCHEMA_REGISTRY_CERT" placeholder:"FILE" help:"The client's certificate (PEM)."`
	Key       string        `env:"SCHEMA_REGISTRY_KEY" placeholder:"FILE" help:"The key (PEM) of the client's certificate."`
	Timeout   time.Duration `default:"5s" help:"How long a request to the registry may take."`
}

func (f *registryFlags) open() (*avro.Registry, error) {
	if f.Registry == "" {
		return nil, errors.New("no schema registry is given: use --registry URL or set SCHEMA_REGISTRY_URL")
	}
	c := avro.Config{BearerToken: f.Bearer, Timeout: f.Timeout}
	var ok bool
	if c.Username, c.Password, ok = strings.Cut(f.BasicAuth, ":"); !ok && f.BasicAuth != "" {
		return nil, errors.New("basic authentication: want USER:PASSWORD")
	}
	var err error
	if c.TLS, err = f.tls(); err != nil {
		return nil, err
	}
	return avro.NewRegistry(f.Registry, c), nil
}

func (f *registryFlags) tls() (*tls.Config, error) {
	if f.CA == "" && f.Cert == "" && f.Key == "" {
		return nil, nil
	}
	c := &tls.Config{}
	if f.CA != "" {
		text, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: holds no certificate in PEM", f.CA)
		}
	}
	if f.Cert != "" || f.Key != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("the client's certificate, which takes --cert and --key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// find gives a reference its version and its schema.
func find(r *avro.Registry, text string) (avro.Reference, error) {
	name, at, _ := strings.Cut(text, "=")
	i := strings.LastIndexByte(at, ':') // a subject in a context has colons too
	if name == "" || i < 1 {
		return avro.Reference{}, fmt.Errorf("reference %q: want NAME=SUBJECT:VERSION, such as shop.Money=money-value:3", text)
	}
	ref := avro.Reference{Name: name, Subject: at[:i]}
	if at[i+1:] == "latest" {
		latest, err := r.Latest(ref.Subject)
		if err != nil {
			return ref, fmt.Errorf("reference %s: %w", name, err)
		}
		ref.Version, ref.Schema = latest.Version, latest.Schema.Full()
		return ref, nil
	}
	version, err := strconv.Atoi(at[i+1:])
	if err != nil || version < 1 {
		return ref, fmt.Errorf("reference %q: version %q is neither a number above 0 nor latest", text, at[i+1:])
	}
	all, err := r.Versions(ref.Subject)
	if err != nil {
		return ref, fmt.Errorf("reference %s: %w", name, err)
	}
	for _, v := range all {
		if v.Version == version {
			ref.Version, ref.Schema = version, v.Schema.Full()
			return ref, nil
		}
	}
	return ref, fmt.Errorf("reference %s: subject %q has no version %d", name, ref.Subject, version)
}

// findAll finds references and their schemas.
func findAll(r *avro.Registry, texts []string) (refs []avro.Reference, known []*avsc.Schema, err error) {
	for _, text := range texts {
		ref, err := find(r, text)
		if err != nil {
			return nil, nil, err
		}
		s, err := avsc.ParseStored(ref.Schema)
		if err != nil {
			return nil, nil, fmt.Errorf("reference %s: %w", ref.Name, err)
		}
		refs, known = append(refs, ref), append(known, s)
	}
	return refs, known, nil
}

// subjectFile is a schema in a file that is for a subject.
type subjectFile struct {
	name, text string
	subject    string
	schema     *avsc.Schema
	options    []avro.Option
}

// readFor reads a schema file whose references are found in the registry.
func readFor(r *avro.Registry, file, subject string, references []string) (subjectFile, error) {
	f := subjectFile{name: file, subject: subject}
	refs, known, err := findAll(r, references)
	if err != nil {
		return f, err
	}
	f.options = []avro.Option{avro.NormalizeSchemas(), avro.References(refs...)}
	text, err := os.ReadFile(file)
	if err != nil {
		return f, err
	}
	f.text = string(text)
	f.schema, err = avsc.ParseFile(avsc.Source{Name: file, Text: f.text}, known...)
	return f, err
}
