package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/streamweir/streamweir/internal/avrogen"
)

type generate struct {
	Package string   `short:"p" env:"GOPACKAGE" placeholder:"NAME" help:"Name of the Go package; without it $$GOPACKAGE, which go generate sets, or the name of the folder."`
	Out     string   `short:"o" default:"." placeholder:"DIR" help:"Folder of the Go files, one for each schema file."`
	Raw     bool     `help:"No Go types for logical types: a timestamp stays a number."`
	Files   []string `arg:"" help:"Schema files. They may use each other's types."`
}

// Run reads all schemas before it writes a file, so a mistake changes nothing.
func (g *generate) Run() error {
	pkg := g.Package
	if pkg == "" {
		dir, err := filepath.Abs(g.Out)
		if err != nil {
			return err
		}
		pkg = packageName(filepath.Base(dir))
	}
	var sources []avrogen.Source
	for _, name := range g.Files {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		sources = append(sources, avrogen.Source{Name: filepath.ToSlash(name), Text: string(text)})
	}
	files, err := avrogen.Generate(sources, avrogen.Config{Package: pkg, Raw: g.Raw})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(g.Out, 0o777); err != nil {
		return err
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(g.Out, f.Name), f.Code, 0o666); err != nil {
			return fmt.Errorf("writing the code: %w", err)
		}
	}
	return nil
}

// packageName makes a package's name of a folder's.
func packageName(dir string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, dir)
	if name == "" || unicode.IsDigit([]rune(name)[0]) {
		return "avro" + name
	}
	return name
}
