use std::net::SocketAddr;
use std::process::exit;
use std::thread::available_parallelism;

/// The options all rivals take.
pub struct Options {
    pub addr: SocketAddr,
    pub workers: usize,
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
    };
    while let Some(flag) = args.next() {
        let value = args.next().ok_or(format!("{flag} needs a value"))?;
        match flag.trim_start_matches('-') {
            "addr" => options.addr = value.parse().map_err(|e| format!("-addr {value}: {e}"))?,
            "workers" => {
                options.workers = value
                    .parse()
                    .map_err(|e| format!("-workers {value}: {e}"))?
            }
            _ => return Err(format!("unknown option {flag}")),
        }
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
    fn refuses_mistakes() {
        for line in ["-addr", "-addr here", "-workers 0", "-workers x", "-port 1"] {
            assert!(of(line).is_err(), "{line}");
        }
    }
}
