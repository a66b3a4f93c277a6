//! A reader of pickles that builds inert data and tensors, and executes nothing.
//!
//! It knows the binary opcodes of protocols 2 to 5 and the classes in [`globals`]; everything else is refused by name.
//! Memory stays proportional to the bytes of the pickle, whatever its length fields and references say.
//!
//! Source: CPython's `Lib/pickletools.py`; the list of globals follows `torch/_weights_only_unpickler.py`.

mod build;
mod export;
mod globals;
mod graph;
mod machine;
mod memo;
mod numpy;
mod opcode;
mod reader;
mod reduce;
mod scalar;
mod tensor;

pub(super) use graph::Graph;

use super::problem::PytorchProblem;

/// Reads the pickle at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Result<Graph, PytorchProblem> {
    machine::Machine::new(bytes).run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Value;

    fn value(bytes: &[u8]) -> Value {
        read(bytes).unwrap().into_value().unwrap()
    }

    #[track_caller]
    fn refused(bytes: &[u8], expected: &str) {
        let problem = read(bytes).and_then(|graph| graph.export().map(|_| ())).unwrap_err();
        assert_eq!(problem.to_string(), expected, "{}", bytes.escape_ascii());
    }

    fn text(text: &str) -> Value {
        Value::Str(text.to_owned())
    }

    #[test]
    fn scalars() {
        let items = value(b"\x80\x02(N\x88\x89K\xffM\x00\x01J\xfe\xff\xff\xff\x8a\x01\x80\x8a\x00G?\xf8\0\0\0\0\0\0t.");
        let ints = [255, 256, -2, -128, 0].map(Value::Int);
        let [a, b, c] = [Value::None, Value::Bool(true), Value::Bool(false)];
        assert_eq!(items, Value::Tuple([vec![a, b, c], ints.to_vec(), vec![Value::Float(1.5)]].concat()));
        assert_eq!(value(b"(X\x01\0\0\0a\x8c\x01bU\x01cU\x01\xffC\x01d]l."), {
            let bytes = |byte| Value::Bytes(vec![byte]);
            Value::List(vec![text("a"), text("b"), text("c"), bytes(255), bytes(b'd'), Value::List(vec![])])
        });
    }

    #[test]
    fn collections_of_every_opcode() {
        let one = || Value::Int(1);
        assert_eq!(value(b"K\x01\x85."), Value::Tuple(vec![one()]));
        assert_eq!(value(b"K\x01K\x01K\x01\x87."), Value::Tuple(vec![one(), one(), one()]));
        assert_eq!(value(b"\x8f(K\x01\x90."), Value::Set(vec![one()]));
        assert_eq!(value(b"(K\x01\x91."), Value::Set(vec![one()]));
        assert_eq!(value(b"(K\x01K\x01d."), Value::Dict(vec![(one(), one())]));
        assert_eq!(value(b"]K\x01a(K\x01e."), Value::List(vec![one(), one()]));
        assert_eq!(value(b"]\x940(K\x011h\x00."), Value::List(vec![]));
    }

    #[test]
    fn calls_from_the_list() {
        let pairs = b"ccollections\nOrderedDict\n(](]K\x01aK\x02aetR.";
        assert_eq!(value(pairs), Value::Dict(vec![(Value::Int(1), Value::Int(2))]));
        assert_eq!(value(b"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R."), Value::Dict(vec![]));
        assert_eq!(value(b"c__builtin__\nset\n]K\x01a\x85R."), Value::Set(vec![Value::Int(1)]));
        assert_eq!(value(b"ctorch\nSize\nK\x03\x85\x85R."), Value::Tuple(vec![Value::Int(3)]));
        let encode = b"c_codecs\nencode\nX\x02\0\0\0\xc3\xbfX\x06\0\0\0latin1\x86R.";
        assert_eq!(value(encode), Value::Bytes(vec![255]));
        assert_eq!(value(b"ctorch\nfloat32\n."), Value::Class("torch.float32".into()));
    }

    #[test]
    fn list_that_contains_itself() {
        assert_eq!(value(b"]q\0h\0a."), Value::List(vec![Value::Cycle]));
    }

    #[test]
    fn globals_outside_the_list() {
        refused(b"cos\nsystem\n.", "refused pickle global `os.system`");
        refused(b"cnt\nsys`\x1btem\n.", "refused pickle global `nt.sys`\\x1btem`");
        refused(b"\x8c\x02os\x8c\x06system\x93.", "refused pickle global `os.system`");
        refused(b"ctorch.cuda\nload\n.", "refused pickle global `torch.cuda.load`");
        refused(b"c__builtin__\neval\n.", "refused pickle global `__builtin__.eval`");
    }

    #[test]
    fn opcodes_that_torch_does_not_write() {
        refused(b"}(i", "unsupported pickle opcode 0x69 at byte 2");
        refused(b"\x82\x01", "unsupported pickle opcode 0x82 at byte 0");
    }

    #[test]
    fn pickles_that_contradict_themselves() {
        let cases: [(&[u8], &str); 16] = [
            (b"}", "byte 1: it ends early"),
            (b"X\xff\xff\xff\xffa", "byte 5: it ends early"),
            (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffa", "byte 9: it ends early"),
            (b"cos", "byte 1: a global has no line end"),
            (b".", "byte 1: the stack is empty"),
            (b"N(0.", "byte 3: the stack is empty"),
            (b"Ne.", "byte 2: the mark is missing"),
            (b"h\x07.", "byte 2: the memo has no such entry"),
            (b"}(Nu.", "byte 4: a key without a value"),
            (b"NNa.", "byte 3: items for an object that is no collection of that kind"),
            (b"NNb.", "byte 3: a state for an object that has none"),
            (b"N)R.", "byte 3: a call of something else than a class"),
            (b"ctorch\nfloat32\n)R.", "byte 17: a call with unexpected arguments"),
            (b"X\x01\0\0\0\xff.", "byte 6: text is not UTF-8"),
            (b"\x8a\x11aaaaaaaaaaaaaaaaa.", "byte 19: an integer of more than 128 bits"),
            (b"NQ.", "byte 2: a storage is not described by a tuple"),
        ];
        for (bytes, expected) in cases {
            refused(bytes, &format!("damaged pickle at {expected}"));
        }
    }

    #[test]
    fn calls_that_copy_one_large_argument_again_and_again() {
        let mut bomb = b"}c__builtin__\nset\nq\0](".to_vec();
        bomb.extend([b'N'; 100_000]);
        bomb.extend(b"e\x85q\x01");
        bomb.extend(b"h\0h\x01R".repeat(1000));
        refused(&bomb, "refused pickle: its values take far more memory than its bytes");
    }
}
