//! What is wrong with a line to a broker, and what the reader can do about it, in words.
