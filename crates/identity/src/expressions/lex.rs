//! From characters to words: names, texts, numbers and signs, each with its column.

use super::MAX_LENGTH;
use super::error::ExpressionError;
use super::tree::Number;
use crate::text::is_unprintable;

/// A word of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    /// Its first character, counted from 1.
    pub at: usize,
    pub word: Word,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Name(String),
    Text(String),
    Number(Number),
    Sign(&'static str),
    End,
}

/// Longer signs first, so that `<=` is not read as `<`.
const SIGNS: [&str; 21] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "?", ":", ".", ",", "(", ")", "[",
    "]", "{", "}",
];

/// The words of a text, ending with [`Word::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let letters: Vec<char> = text.chars().take(MAX_LENGTH + 1).collect();
    if letters.len() > MAX_LENGTH {
        let advice = format!("an expression has at most {MAX_LENGTH} characters; split it in two");
        return Err(ExpressionError::new(MAX_LENGTH + 1, advice));
    }
    let hidden = |&l: &char| is_unprintable(l) && !matches!(l, '\t' | '\n' | '\r');
    if let Some(index) = letters.iter().position(hidden) {
        let code = letters[index].escape_unicode();
        let advice = format!("{code} does not show; take it out, or write it as \\u in a text");
        return Err(ExpressionError::new(index + 1, advice));
    }
    let mut lexer = Lexer { letters: &letters, next: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.token()?;
        let done = token.word == Word::End;
        tokens.push(token);
        if done {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    letters: &'a [char],
    next: usize,
}

impl Lexer<'_> {
    fn token(&mut self) -> Result<Token, ExpressionError> {
        while self.peek(0).is_some_and(char::is_whitespace) {
            self.next += 1;
        }
        let at = self.next + 1;
        let word = match (self.peek(0), self.peek(1)) {
            (None, _) => Word::End,
            (Some('r' | 'R'), Some(quote @ ('"' | '\''))) => {
                self.next += 1;
                self.text(quote, true)?
            }
            (Some(quote @ ('"' | '\'')), _) => self.text(quote, false)?,
            (Some(digit), _) if digit.is_ascii_digit() => self.number()?,
            (Some(letter), _) if letter.is_ascii_alphabetic() || letter == '_' => self.name(),
            (Some(letter), _) => self.sign(letter)?,
        };
        Ok(Token { at, word })
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.next + ahead).copied()
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let from = self.next;
        while self.peek(0).is_some_and(&belongs) {
            self.next += 1;
        }
        self.letters[from..self.next].iter().collect()
    }

    fn name(&mut self) -> Word {
        Word::Name(self.take_while(|letter| letter.is_ascii_alphanumeric() || letter == '_'))
    }

    fn number(&mut self) -> Result<Word, ExpressionError> {
        let at = self.next + 1;
        let mut digits = self.take_while(|letter| letter.is_ascii_digit());
        let is_decimal =
            self.peek(0) == Some('.') && self.peek(1).is_some_and(|l| l.is_ascii_digit());
        if is_decimal {
            self.next += 1;
            digits = format!("{digits}.{}", self.take_while(|letter| letter.is_ascii_digit()));
        }
        if self.peek(0).is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            return Err(self.here("a number ends here; leave a space, or put a name in quotes"));
        }
        let number = if is_decimal {
            digits.parse().ok().filter(|decimal: &f64| decimal.is_finite()).map(Number::Decimal)
        } else {
            digits.parse::<i64>().ok().map(|whole| Number::Whole(whole.into()))
        };
        let advice = "this number is too large; write it as a text, in quotes";
        number.map(Word::Number).ok_or_else(|| ExpressionError::new(at, advice))
    }

    fn text(&mut self, quote: char, raw: bool) -> Result<Word, ExpressionError> {
        let at = self.next + 1;
        self.next += 1;
        let mut text = String::new();
        loop {
            match self.peek(0) {
                None | Some('\n') => {
                    let advice = format!("this text does not end; close it with {quote}");
                    return Err(ExpressionError::new(at, advice));
                }
                Some(letter) if letter == quote => break,
                Some('\\') if !raw => text.push(self.escape()?),
                Some(letter) => text.push(letter),
            }
            self.next += 1;
        }
        self.next += 1;
        Ok(Word::Text(text))
    }

    /// Stands at the backslash, and ends at the last letter of the escape.
    fn escape(&mut self) -> Result<char, ExpressionError> {
        let advice = "write \\\\ for a backslash, or one of \\\" \\' \\n \\r \\t \\u0041; in a \
                      pattern put r before the quote";
        let unknown = self.here(advice);
        self.next += 1;
        let digits = match self.peek(0) {
            Some(letter @ ('\\' | '"' | '\'')) => return Ok(letter),
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some('u') => 4,
            Some('U') => 8,
            _ => return Err(unknown),
        };
        let mut code = 0;
        for _ in 0..digits {
            self.next += 1;
            match self.peek(0).and_then(|digit| digit.to_digit(16)) {
                Some(digit) => code = code * 16 + digit,
                None => return Err(unknown),
            }
        }
        char::from_u32(code).ok_or(unknown)
    }

    fn sign(&mut self, letter: char) -> Result<Word, ExpressionError> {
        let fits = |sign: &&&str| sign.chars().enumerate().all(|(i, l)| self.peek(i) == Some(l));
        if let Some(sign) = SIGNS.iter().find(fits) {
            self.next += sign.len();
            return Ok(Word::Sign(sign));
        }
        Err(self.here(&match letter {
            '=' => "write == to compare".to_owned(),
            '&' => "write && for and".to_owned(),
            '|' => "write || for or".to_owned(),
            '“' | '”' | '„' | '‘' | '’' => {
                "write texts in straight quotes, \" or '".to_owned()
            }
            '*' | '/' | '%' => format!("there is no {letter} here: numbers are only compared"),
            _ => format!("{letter} means nothing here; put texts in quotes"),
        }))
    }

    fn here(&self, advice: &str) -> ExpressionError {
        ExpressionError::new(self.next + 1, advice)
    }
}
