package avro

// The records as the other libraries take them: pointers for what is nullable, Go maps,
// and enums as text.

type foreignEvent struct {
	EventID     string             `avro:"eventId"`
	SKU         string             `avro:"sku"`
	EventType   string             `avro:"eventType"`
	Quantity    int32              `avro:"quantity"`
	LocationID  string             `avro:"locationId"`
	ProductName *string            `avro:"productName"`
	Timestamp   int64              `avro:"timestamp"`
	UserID      *string            `avro:"userId"`
	Reason      *string            `avro:"reason"`
	Metadata    *map[string]string `avro:"metadata"`
}

type foreignStrings struct {
	S0 string `avro:"s0"`
	S1 string `avro:"s1"`
	S2 string `avro:"s2"`
	S3 string `avro:"s3"`
	S4 string `avro:"s4"`
	S5 string `avro:"s5"`
	S6 string `avro:"s6"`
	S7 string `avro:"s7"`
}

type foreignWide struct {
	F0  int32   `avro:"f0"`
	F1  int64   `avro:"f1"`
	F2  float64 `avro:"f2"`
	F3  string  `avro:"f3"`
	F4  bool    `avro:"f4"`
	F5  *string `avro:"f5"`
	F6  *int64  `avro:"f6"`
	F7  float32 `avro:"f7"`
	F8  []byte  `avro:"f8"`
	F9  string  `avro:"f9"`
	F10 int32   `avro:"f10"`
	F11 int64   `avro:"f11"`
	F12 float64 `avro:"f12"`
	F13 string  `avro:"f13"`
	F14 bool    `avro:"f14"`
	F15 *string `avro:"f15"`
	F16 *int64  `avro:"f16"`
	F17 float32 `avro:"f17"`
	F18 []byte  `avro:"f18"`
	F19 string  `avro:"f19"`
	F20 int32   `avro:"f20"`
	F21 int64   `avro:"f21"`
	F22 float64 `avro:"f22"`
	F23 string  `avro:"f23"`
	F24 bool    `avro:"f24"`
	F25 *string `avro:"f25"`
	F26 *int64  `avro:"f26"`
	F27 float32 `avro:"f27"`
	F28 []byte  `avro:"f28"`
	F29 string  `avro:"f29"`
	F30 int32   `avro:"f30"`
	F31 int64   `avro:"f31"`
	F32 float64 `avro:"f32"`
	F33 string  `avro:"f33"`
	F34 bool    `avro:"f34"`
	F35 *string `avro:"f35"`
	F36 *int64  `avro:"f36"`
	F37 float32 `avro:"f37"`
	F38 []byte  `avro:"f38"`
	F39 string  `avro:"f39"`
	F40 int32   `avro:"f40"`
	F41 int64   `avro:"f41"`
	F42 float64 `avro:"f42"`
	F43 string  `avro:"f43"`
	F44 bool    `avro:"f44"`
	F45 *string `avro:"f45"`
	F46 *int64  `avro:"f46"`
	F47 float32 `avro:"f47"`
	F48 []byte  `avro:"f48"`
	F49 string  `avro:"f49"`
}
