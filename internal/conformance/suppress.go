package conformance

import (
	"time"

	"github.com/streamweir/streamweir/stream"
)

// suppressSpec is what a suppress holds back, and where.
type suppressSpec struct {
	Until  string `json:"until"`
	Ms     int64  `json:"ms"`
	Buffer struct {
		MaxRecords    int64             `json:"maxRecords"`
		MaxBytes      int64             `json:"maxBytes"`
		Full          string            `json:"full"`
		Logging       *bool             `json:"logging"`
		LoggingConfig map[string]string `json:"loggingConfig"`
	} `json:"buffer"`
}

// suppressed is the DSL's form of it.
func (c *call) suppressed() stream.Suppressed {
	s := c.Suppress
	b := stream.BufferUnbounded()
	if n := s.Buffer.MaxRecords; n != 0 {
		b = b.MaxRecords(n).EmitEarlyWhenFull()
	}
	if n := s.Buffer.MaxBytes; n != 0 {
		b = b.MaxBytes(n).EmitEarlyWhenFull()
	}
	if s.Buffer.Full == "shutDown" || s.Until == "windowCloses" {
		b = b.ShutDownWhenFull()
	}
	if l := s.Buffer.Logging; l != nil && !*l {
		b = b.NotLogged()
	} else if s.Buffer.LoggingConfig != nil {
		b = b.Logged(s.Buffer.LoggingConfig)
	}
	if s.Until == "windowCloses" {
		return stream.UntilWindowCloses(b)
	}
	return stream.UntilTimeLimit(time.Duration(s.Ms)*time.Millisecond, b)
}
