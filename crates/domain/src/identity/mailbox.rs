//! Which mailbox an address leads to. Some providers deliver several addresses to one mailbox, so that one person has as many as they like.
//!
//! Only what providers promise is in the table: an address of another one is taken as it is, since two people may be behind two of them.

use sha2::{Digest as _, Sha256};

use super::EmailAddress;

/// How a provider reads addresses.
struct Provider {
    /// Its domains; a name is the same mailbox under each of them.
    domains: &'static [&'static str],
    /// Characters that it passes over in names.
    ignored: &'static [char],
    /// Whether it passes over `+` and what follows.
    tags: bool,
}

const PROVIDERS: [Provider; 6] = [
    // support.google.com/mail/answer/7436150 (dots), …/answer/22370 (tags), …/answer/10313 (googlemail.com)
    Provider { domains: &["gmail.com", "googlemail.com"], ignored: &['.'], tags: true },
    // proton.me/support/addresses-and-aliases: dots, hyphens and underscores; one name in all of its domains
    Provider { domains: &["proton.me", "protonmail.com", "pm.me"], ignored: &['.', '-', '_'], tags: true },
    // support.apple.com/en-us/102530: me.com and mac.com are the older names of icloud.com
    Provider { domains: &["icloud.com", "me.com", "mac.com"], ignored: &[], tags: true },
    // learn.microsoft.com/exchange: plus addressing; dots tell people apart, and so do the domains
    Provider { domains: &["outlook.com"], ignored: &[], tags: true },
    Provider { domains: &["hotmail.com"], ignored: &[], tags: true },
    // fastmail.help: plus addressing
    Provider { domains: &["fastmail.com"], ignored: &[], tags: true },
];

impl EmailAddress {
    /// The mailbox that the address leads to, in the form of an address: two addresses of one mailbox have the same one. It is for comparing,
    /// never for sending.
    pub fn mailbox(&self) -> String {
        let address = self.as_str();
        // An address has one `@`.
        let (name, domain) = address.split_once('@').unwrap_or((address, ""));
        let Some(provider) = PROVIDERS.iter().find(|provider| provider.domains.contains(&domain)) else {
            return address.to_owned();
        };
        let untagged = if provider.tags { name.split('+').next().unwrap_or(name) } else { name };
        let read: String = untagged.chars().filter(|c| !provider.ignored.contains(c)).collect();
        // A name of nothing but what is passed over is no name of that provider.
        let name = if read.is_empty() { name } else { &read };
        format!("{name}@{}", provider.domains[0])
    }

    /// SHA-256 of [`Self::mailbox`]: what is kept where people are told apart.
    pub fn identity(&self) -> [u8; 32] {
        Sha256::digest(self.mailbox()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_mailbox_are_one_and_no_others() {
        let rows = [
            ("Jane.Doe@GMail.com", "janedoe@gmail.com"),
            ("j.a.n.e.doe+tickets@googlemail.com", "janedoe@gmail.com"),
            ("janedoe+a+b@gmail.com", "janedoe@gmail.com"),
            ("jane_doe@gmail.com", "jane_doe@gmail.com"),
            ("jane-doe@gmail.com", "jane-doe@gmail.com"),
            ("+tickets@gmail.com", "+tickets@gmail.com"),
            ("Jane.Doe+x@outlook.com", "jane.doe@outlook.com"),
            ("janedoe@outlook.com", "janedoe@outlook.com"),
            ("jane.doe+x@hotmail.com", "jane.doe@hotmail.com"),
            ("jane.doe+x@me.com", "jane.doe@icloud.com"),
            ("jane.doe@mac.com", "jane.doe@icloud.com"),
            ("janedoe@icloud.com", "janedoe@icloud.com"),
            ("J.a-n_e+x@pm.me", "jane@proton.me"),
            ("jane@protonmail.com", "jane@proton.me"),
            ("jane.doe+x@fastmail.com", "jane.doe@fastmail.com"),
            // Of others nothing is known: two people may be behind them.
            ("Jane.Doe+x@example.com", "jane.doe+x@example.com"),
            ("jane.doe@gmail.com.example", "jane.doe@gmail.com.example"),
            ("jane.doe@sub.gmail.com", "jane.doe@sub.gmail.com"),
        ];
        for (address, mailbox) in rows {
            let address = EmailAddress::parse(address).unwrap();
            assert_eq!(address.mailbox(), mailbox, "{address:?}");
            let again = EmailAddress::parse(&address.mailbox()).unwrap();
            assert_eq!(again.mailbox(), mailbox, "it is its own mailbox");
        }
    }

    #[test]
    fn no_domain_is_of_two_providers() {
        let mut domains: Vec<&str> = PROVIDERS.iter().flat_map(|provider| provider.domains).copied().collect();
        let all = domains.len();
        domains.sort_unstable();
        domains.dedup();
        assert_eq!(domains.len(), all);
    }
}
