package importorder

import "go/types"

// leaks returns the hidden types that the declaration of an exported object
// shows: in its own type, and for a type also in exported fields and methods.
func leaks(object types.Object) []string {
	w := walk{seen: map[types.Type]bool{}}
	name, isType := object.(*types.TypeName)
	if !isType {
		w.visit(object.Type())
		return w.found
	}
	named, ok := types.Unalias(name.Type()).(*types.Named)
	if !ok || name.IsAlias() {
		w.visit(name.Type())
		return w.found
	}
	w.parameters(named.TypeParams())
	w.visit(named.Underlying())
	for m := range named.Methods() {
		if m.Exported() {
			w.visit(m.Type())
		}
	}
	return w.found
}

type walk struct {
	seen  map[types.Type]bool
	found []string
}

func (w *walk) parameters(list *types.TypeParamList) {
	for p := range list.TypeParams() {
		w.visit(p.Constraint())
	}
}

func (w *walk) tuple(list *types.Tuple) {
	for v := range list.Variables() {
		w.visit(v.Type())
	}
}

// visit looks into a type as far as it is spelled out. A named type is looked at
// where it is declared, not where it is used.
func (w *walk) visit(t types.Type) {
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	switch t := t.(type) {
	case *types.Named:
		w.named(t.Obj())
		for arg := range t.TypeArgs().Types() {
			w.visit(arg)
		}
	case *types.Alias:
		w.named(t.Obj())
		w.visit(types.Unalias(t))
	case *types.Signature:
		w.parameters(t.TypeParams())
		w.tuple(t.Params())
		w.tuple(t.Results())
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() {
				w.visit(f.Type())
			}
		}
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			w.visit(m.Type())
		}
		for e := range t.EmbeddedTypes() {
			w.visit(e)
		}
	case *types.Union:
		for term := range t.Terms() {
			w.visit(term.Type())
		}
	case *types.Map:
		w.visit(t.Key())
		w.visit(t.Elem())
	case interface{ Elem() types.Type }: // pointer, slice, array, channel
		w.visit(t.Elem())
	}
}

func (w *walk) named(object *types.TypeName) {
	if object.Pkg() == nil {
		return
	}
	for _, module := range hidden {
		if within(object.Pkg().Path(), module) {
			w.found = append(w.found, object.Pkg().Path()+"."+object.Name())
		}
	}
}
