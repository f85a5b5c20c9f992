//! Which form a number takes: the C expression in `n` that a catalog's header holds (GNU gettext manual, "Plural
//! forms"), read with C's precedence.
//!
//! Reading promises to end for any text; it deliberately knows no language.

/// The most an expression may be nested. The longest rule in use (Arabic) needs ten.
const MAX_DEPTH: u32 = 64;

/// The rule that tells which form a number takes.
#[derive(Debug)]
pub(super) struct Plural(Expression);

#[derive(Debug)]
enum Expression {
    N,
    Number(u64),
    Not(Box<Self>),
    Choice(Box<[Self; 3]>),
    Binary(Operator, Box<[Self; 2]>),
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    Plus,
    Minus,
    Times,
    DividedBy,
    Modulo,
}

/// The operators by how tightly they bind, the loosest first. Of two that begin alike the longer one comes first.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("||", Operator::Or)],
    &[("&&", Operator::And)],
    &[("==", Operator::Equal), ("!=", Operator::Unequal)],
    &[
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[
        ("*", Operator::Times),
        ("/", Operator::DividedBy),
        ("%", Operator::Modulo),
    ],
];

impl Default for Plural {
    /// The rule of English, which gettext uses where a catalog has none: one form for 1, another for everything else.
    fn default() -> Self {
        let operands = [Expression::N, Expression::Number(1)];
        Self(Expression::Binary(Operator::Unequal, Box::new(operands)))
    }
}

impl Plural {
    /// Reads an expression such as `n==1 ? 0 : n>=2 && n<=4 ? 1 : 2`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader {
            rest: text.trim(),
            depth: 0,
        };
        let expression = reader.choice()?;
        reader.rest.is_empty().then_some(Self(expression))
    }

    /// Returns the index of the form for `n`; `None` where the expression has no value, as after a division by zero.
    pub(super) fn form(&self, n: u64) -> Option<usize> {
        usize::try_from(self.0.value(n)?).ok()
    }
}

impl Expression {
    fn value(&self, n: u64) -> Option<u64> {
        match self {
            Self::N => Some(n),
            Self::Number(number) => Some(*number),
            Self::Not(operand) => Some(u64::from(operand.value(n)? == 0)),
            Self::Choice(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                if condition.value(n)? != 0 {
                    then.value(n)
                } else {
                    otherwise.value(n)
                }
            }
            Self::Binary(operator, operands) => {
                let [left, right] = operands.as_ref();
                operator.apply(left.value(n)?, right.value(n)?)
            }
        }
    }
}

impl Operator {
    fn apply(self, left: u64, right: u64) -> Option<u64> {
        match self {
            Self::Or => Some(u64::from(left != 0 || right != 0)),
            Self::And => Some(u64::from(left != 0 && right != 0)),
            Self::Equal => Some(u64::from(left == right)),
            Self::Unequal => Some(u64::from(left != right)),
            Self::LessOrEqual => Some(u64::from(left <= right)),
            Self::GreaterOrEqual => Some(u64::from(left >= right)),
            Self::Less => Some(u64::from(left < right)),
            Self::Greater => Some(u64::from(left > right)),
            Self::Plus => left.checked_add(right),
            Self::Minus => left.checked_sub(right),
            Self::Times => left.checked_mul(right),
            Self::DividedBy => left.checked_div(right),
            Self::Modulo => left.checked_rem(right),
        }
    }
}

struct Reader<'a> {
    /// What is still to be read, without white space in front.
    rest: &'a str,
    depth: u32,
}

impl Reader<'_> {
    /// Reads `condition ? then : otherwise`, or what stands in its place.
    fn choice(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut expression = self.level(0)?;
        if self.take("?") {
            let then = self.choice()?;
            if !self.take(":") {
                return None;
            }
            expression = Expression::Choice(Box::new([expression, then, self.choice()?]));
        }
        self.depth -= 1;
        Some(expression)
    }

    fn level(&mut self, level: usize) -> Option<Expression> {
        let Some(operators) = LEVELS.get(level) else {
            return self.operand();
        };
        let mut left = self.level(level + 1)?;
        let mut chain = 0;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.take(sign)) {
            chain += 1;
            if chain > MAX_DEPTH {
                return None;
            }
            left = Expression::Binary(*operator, Box::new([left, self.level(level + 1)?]));
        }
        Some(left)
    }

    fn operand(&mut self) -> Option<Expression> {
        if self.take("(") {
            let inner = self.choice()?;
            return self.take(")").then_some(inner);
        }
        if self.take("!") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return None;
            }
            let operand = self.operand()?;
            self.depth -= 1;
            return Some(Expression::Not(Box::new(operand)));
        }
        if self.take("n") {
            return Some(Expression::N);
        }
        let end = self
            .rest
            .find(|it: char| !it.is_ascii_digit())
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let number = digits.parse().ok()?;
        self.rest = rest.trim_start();
        Some(Expression::Number(number))
    }

    fn take(&mut self, sign: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rules as they stand in catalogs, and the forms for 0 to 12, 21, 22, 100, 101 and 111.
    fn check(rule: &str, forms: &str) {
        let plural = Plural::parse(rule).unwrap();
        let numbers = (0..=12).chain([21, 22, 100, 101, 111]);
        let found: Vec<String> = numbers.map(|n| plural.form(n).unwrap().to_string()).collect();
        assert_eq!(found.join(""), forms, "{rule}");
    }

    #[test]
    fn rules_of_languages_give_their_forms() {
        check("n != 1", "101111111111111111");
        check("(n > 1)", "001111111111111111");
        check("n==1 ? 0 : n>=2 && n<=4 ? 1 : 2", "201112222222222222");
        check("(n==1) ? 0 : (n>=2 && n<=4) ? 1 : 2", "201112222222222222");
        check(
            "n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2",
            "201112222222201202",
        );
        check(
            "n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5",
            "012333333334444554",
        );
        check("!(n - n/2*2)", "101010101010101100");
        check("0", "000000000000000000");
    }

    #[test]
    fn what_is_not_a_rule_is_not_read() {
        for text in [
            "",
            "n +",
            "n ? 1",
            "(n",
            "n)",
            "m",
            "n = 1",
            "0x1",
            "99999999999999999999",
            "1 2",
        ] {
            assert!(Plural::parse(text).is_none(), "{text}");
        }
        assert!(Plural::parse(&"(".repeat(100_000)).is_none());
        assert!(Plural::parse(&"!".repeat(100_000)).is_none());
        assert!(Plural::parse(&"n+".repeat(100_000)).is_none());
    }

    #[test]
    fn a_rule_without_a_value_gives_no_form() {
        assert_eq!(Plural::parse("n % 0").unwrap().form(3), None);
        assert_eq!(Plural::parse("n - 5").unwrap().form(3), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[n0-9!?:|&=<>+*/%() -]{0,80}", n: u64) {
            if let Some(plural) = Plural::parse(&text) {
                let _ = plural.form(n);
            }
        }
    }
}
