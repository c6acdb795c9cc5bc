//! What the application is called with, and with which.

use super::reading::{NoReading, Reading};

/// The application, as the event loop sees it.
pub trait Upcalls {
    /// A temperature has come.
    fn temperature(&mut self, reading: &Reading);
    /// A pressure has come.
    fn pressure(&mut self, reading: &Reading);
    /// A humidity has come.
    fn humidity(&mut self, reading: &Reading);
    /// Something has come that nobody has asked for, or that is no reading.
    fn unexpected(&mut self, why: String);
}

/// The three things that there are, in the order of the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// How warm it is.
    Temperature,
    /// The air's.
    Pressure,
    /// The air's.
    Humidity,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Quantity; 3] = [Quantity::Temperature, Quantity::Pressure, Quantity::Humidity];
}

/// Calls the application with what has come on the socket for `quantity`, whose readings are called `name`.
pub fn call(application: &mut impl Upcalls, quantity: Quantity, name: &str, text: &str) {
    let reading: Result<Reading, NoReading> = text.parse();
    // solution: begin — Part B: call the application
    match reading {
        Err(why) => application.unexpected(why.to_string()),
        Ok(reading) if reading.name != name => {
            application.unexpected(format!("read `{reading}`, expected a reading of {name}"));
        }
        Ok(reading) => match quantity {
            Quantity::Temperature => application.temperature(&reading),
            Quantity::Pressure => application.pressure(&reading),
            Quantity::Humidity => application.humidity(&reading),
        },
    }
    // solution: end
}
