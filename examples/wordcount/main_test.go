package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The program that the README shows is this one.
func TestTheReadmeShowsThisProgram(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```go\n(func wordcount.*?)```").FindSubmatch(readme)
	if shown == nil {
		t.Fatal("the README shows no word count")
	}
	if !strings.HasSuffix(string(source), "\n"+string(shown[1])) {
		t.Errorf("main.go does not end with what the README shows:\n%s", shown[1])
	}
}
