package resolve

// op is a step of a plan. The data is gone over by walk steps, which produce nothing;
// what was gone over since the mark is then copied or dropped in one go. Where a step
// converts, nothing is left before it, and the mark is behind it.
type op struct {
	code    code
	mark    bool  // opUnion, opItems, opCall: what is inside converts; opOrderEnd: a part does
	n, a, b int32 // counts, and positions in the program or in the plan's tables
}

type code uint8

const (
	walkBoolean  code = iota // n of them
	walkInt                  // n
	walkLong                 // n
	walkFixed                // n bytes
	walkText                 // n strings or bytes
	walkSymbol               // of an enum of n
	walkOptional             // union of null and what is up to a; n is that's branch as a byte, b null's
	opUnion                  // union of n branches, whose steps are at jumps[a:]
	opJump                   // to a
	opItems                  // array or map, each element of at least n bytes; steps up to a
	opCall                   // program a
	opCopy                   // to the output, from the mark
	opDrop                   // move the mark
	opConst                  // consts[a]
	opSymbol                 // enum of n symbols, to symbols[a:]
	opIntToFloat
	opIntToDouble
	opLongToFloat
	opLongToDouble
	opFloatToDouble
	opTime     // times a, or through -a; n tells that the number is an int
	opOrder    // begins a record whose parts change places
	opSpan     // ends a part that stays in the data
	opPart     // ends a part that is in the output
	opOrderEnd // n parts and defaults, as chunks[a:] tells, between b marks
	opFail     // fails[a]
)

// produces tells whether a step does more than to go over the data.
func (o op) produces() bool { return o.mark || o.code >= opCopy }
