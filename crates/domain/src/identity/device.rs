//! From where somebody logged in, in a few words that they know it again by.

/// What is kept of a device, in characters. It names, it does not track: versions and models are left out.
pub const MAX_DEVICE_CHARS: usize = 60;

/// Browsers and apps, by what their `User-Agent` has. Those that name others as well come before them.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems, likewise: an iPhone says that it is like a Mac, and Android that it is a Linux.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
];

/// `Firefox on Windows`, `curl`, or `Unknown device`. Whoever calls says so themselves: it is shown to the account's holder and decides nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device(String);

impl Device {
    /// From the `User-Agent` header.
    pub fn of(user_agent: Option<&str>) -> Self {
        let text = user_agent.unwrap_or_default();
        let find = |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name);
        let name = match (find(&BROWSERS), find(&SYSTEMS)) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(only), None) | (None, Some(only)) => only.to_owned(),
            (None, None) => first_product(text),
        };
        Self(if name.is_empty() { "Unknown device".to_owned() } else { name })
    }

    /// In words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name before the first version: what programs that are no browsers call themselves.
fn first_product(text: &str) -> String {
    let name = text.split(['/', ' ', '(']).next().unwrap_or_default();
    name.chars().filter(char::is_ascii_graphic).take(MAX_DEVICE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_in_words_that_its_owner_knows() {
        let long = "x".repeat(MAX_DEVICE_CHARS + 1);
        let rows = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36 Edg/131.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/18.1 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Mac"),
            ("curl/8.5.0", "curl"),
            ("python-requests/2.32.3", "python-requests"),
            ("GoTicketApp (Android 15)", "Android"),
            ("<script>alert(1)</script>", "<script>alert"),
            ("\u{1b}[31m", "[31m"),
            ("日本語", "Unknown device"),
            ("", "Unknown device"),
            (&long, &long[1..]),
        ];
        for (user_agent, expected) in rows {
            assert_eq!(Device::of(Some(user_agent)).as_str(), expected, "{user_agent}");
        }
        assert_eq!(Device::of(None).as_str(), "Unknown device");
    }
}
