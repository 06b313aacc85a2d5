// Package storetest checks implementations of [store.Engine] against their
// contract, and the store kinds over any bytes.
//
//	func TestEngine(t *testing.T) { storetest.Run(t, myengine.Open, true) }
package storetest
