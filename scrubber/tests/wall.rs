//! The type wall: what must not compile. Each file of `wall/` is a program that would let raw
//! content out, and must be refused by the compiler for the reason recorded beside it.

#[test]
fn nothing_goes_round_the_wall() {
    trybuild::TestCases::new().compile_fail("tests/wall/*.rs");
}
