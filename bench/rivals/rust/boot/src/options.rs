use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::exit;
use std::thread::available_parallelism;

/// The options all rivals take. The last three are for those that speak HTTP/2, HTTP/3 and
/// TLS; without them they speak HTTP/1.1 in clear text.
pub struct Options {
    pub addr: SocketAddr,
    pub workers: usize,
    /// HTTP/2 in clear text with prior knowledge.
    pub h2c: bool,
    /// HTTP/3 alone, which needs a certificate.
    pub h3: bool,
    /// A file with certificate and key: TLS with HTTP/2 and HTTP/1.1 by ALPN.
    pub tls: Option<PathBuf>,
}

impl Options {
    /// Reads the command line, and ends the process on a mistake in it.
    pub fn from_args() -> Options {
        parse(std::env::args().skip(1)).unwrap_or_else(|message| {
            eprintln!("{message}");
            exit(2)
        })
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        workers: available_parallelism().map_or(1, usize::from),
        h2c: false,
        h3: false,
        tls: None,
    };
    while let Some(flag) = args.next() {
        match flag.trim_start_matches('-') {
            "h2c" => {
                options.h2c = true;
                continue;
            }
            "h3" => {
                options.h3 = true;
                continue;
            }
            _ => {}
        }
        let value = args.next().ok_or(format!("{flag} needs a value"))?;
        match flag.trim_start_matches('-') {
            "addr" => options.addr = value.parse().map_err(|e| format!("-addr {value}: {e}"))?,
            "workers" => {
                options.workers = value
                    .parse()
                    .map_err(|e| format!("-workers {value}: {e}"))?
            }
            "tls" => options.tls = Some(value.into()),
            _ => return Err(format!("unknown option {flag}")),
        }
    }
    if options.h2c && options.tls.is_some() {
        return Err("-h2c and -tls exclude each other".into());
    }
    if options.h3 && options.tls.is_none() {
        return Err("-h3 needs -tls".into());
    }
    if options.workers == 0 {
        return Err("-workers must be positive".into());
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn of(line: &str) -> Result<(String, usize), String> {
        parse(line.split_whitespace().map(String::from)).map(|o| (o.addr.to_string(), o.workers))
    }

    #[test]
    fn reads_both_options() {
        assert_eq!(
            of("-addr 127.0.0.1:80 --workers 3"),
            Ok(("127.0.0.1:80".into(), 3))
        );
    }

    #[test]
    fn reads_protocols() {
        let of = |line: &str| parse(line.split_whitespace().map(String::from)).unwrap();
        assert!(of("-h2c -workers 1").h2c);
        assert!(!of("-workers 1").h2c);
        assert!(of("-h3 -tls pair.pem").h3);
        assert_eq!(of("-tls pair.pem").tls, Some("pair.pem".into()));
    }

    #[test]
    fn refuses_mistakes() {
        for line in [
            "-addr",
            "-addr here",
            "-workers 0",
            "-workers x",
            "-port 1",
            "-tls",
            "-h2c -tls x",
            "-h3",
        ] {
            assert!(of(line).is_err(), "{line}");
        }
    }
}
