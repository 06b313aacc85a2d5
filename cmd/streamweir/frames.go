package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The formats of records in binary.
const (
	byLength  = "length"    // each after its length, 4 bytes with the highest first; -1 is null
	hexLines  = "hex"       // each on a line; an empty line is null
	base64d   = "base64"    // as hex
	raw       = "raw"       // nothing between them
	delimited = "delimited" // a delimiter behind each, only for writing
)

// readFrames calls f for each record, with nil for null.
func readFrames(in io.Reader, format string, f func(data []byte) error) error {
	switch format {
	case byLength:
		return readLengths(bufio.NewReader(in), f)
	case raw:
		data, err := io.ReadAll(in)
		if err != nil || len(data) == 0 {
			return err
		}
		return f(data)
	}
	return readLines(in, func(line []byte) error {
		if len(line) == 0 {
			return f(nil)
		}
		data, err := hex.DecodeString(string(line))
		if format == base64d {
			data, err = base64.StdEncoding.DecodeString(string(line))
		}
		if err != nil {
			return fmt.Errorf("not in %s: %w", format, err)
		}
		return f(data)
	})
}

func readLengths(in *bufio.Reader, f func([]byte) error) error {
	var data bytes.Buffer
	for {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading the length of a record: %w", err)
		}
		n := int32(binary.BigEndian.Uint32(head[:]))
		if n < -1 {
			return fmt.Errorf("a record of %d bytes: this is not what kcat -f '%%R%%s' writes; is it another --format?", n)
		}
		var record []byte
		if n >= 0 {
			data.Reset()
			// What is announced need not come: the buffer grows with what does.
			if got, err := io.CopyN(&data, in, int64(n)); err != nil {
				return fmt.Errorf("a record of %d bytes ends after %d: %w; is it another --format?", n, got, err)
			}
			record = data.Bytes()
			if record == nil {
				record = []byte{}
			}
		}
		if err := f(record); err != nil {
			return err
		}
	}
}

// readLines calls f for each line without the white space around it. An end of the
// file is the end of a line only if something is before it.
func readLines(in io.Reader, f func(line []byte) error) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(line) > 0 {
			if err := f(bytes.TrimSpace(line)); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}

// writeFrame writes a record, nil for null.
func writeFrame(out *bufio.Writer, format, delimiter string, data []byte) error {
	var err error
	switch format {
	case byLength:
		n := int32(-1)
		if data != nil {
			n = int32(len(data))
		}
		if err = binary.Write(out, binary.BigEndian, n); err == nil {
			_, err = out.Write(data)
		}
	case hexLines:
		_, err = fmt.Fprintf(out, "%x\n", data)
	case base64d:
		_, err = out.WriteString(base64.StdEncoding.EncodeToString(data) + "\n")
	default:
		if data == nil {
			return fmt.Errorf("format %s has no way to write a null", format)
		}
		// It must not begin in the record either.
		if format == delimited && strings.Index(string(data)+delimiter, delimiter) != len(data) {
			return fmt.Errorf("the record has the delimiter %q in it: take a longer one", delimiter)
		}
		if _, err = out.Write(data); err == nil && format == delimited {
			_, err = out.WriteString(delimiter)
		}
	}
	return err
}
