//! From the wire to the words of the hub.
