//! Questions to a database: what its answers become. With the feature `flux`.

mod scripted;

use metrics::Point;
use metrics::influx::address::Target;
use metrics::influx::ask::points;
use metrics::influx::token::Token;
use metrics::query::Query;
use scripted::{BOUND, Reply, Server};
use simnet::rule::{expect, expect_ok, expect_that};
use std::time::Duration;

fn target(url: &str) -> Target {
    let address = url.parse().expect("an address");
    let token = expect_ok("this may stand in a token", "a token", Token::new("s3cr3t-t0ken=="));
    Target { address, org: "my org".into(), bucket: "a&b".into(), token }
}

#[test]
fn a_query_brings_points_or_an_error_without_the_token() {
    const CSV: &str = "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,long,string,string,string\r\n#group,false,false,true,true,false,false,true,true,true\r\n#default,_result,,,,,,,,\r\n,result,table,_start,_stop,_time,_value,_field,_measurement,topic\r\n,,0,1970-01-01T00:00:00Z,2026-01-01T00:00:00Z,2019-05-02T16:12:41.098000001Z,84000,latency_ns,delivery,a b\r\n,,0,1970-01-01T00:00:00Z,2026-01-01T00:00:00Z,2019-05-02T16:12:42Z,85000,latency_ns,delivery,a b\r\n\r\n";
    const EMPTY: &str = "#datatype,string,long,dateTime:RFC3339,double,string,string\r\n#group,false,false,false,false,true,true\r\n#default,_result,,,,,\r\n,result,table,_time,_value,_field,_measurement\r\n,,0,2019-05-02T16:12:41Z,,f,m\r\n\r\n";
    let ask = |reply: Reply, patience| {
        let server = Server::start([reply]);
        points(&target(&server.url()), &Query { field: "latency_ns".into(), ..Query::default() }, patience)
    };
    let got = expect_ok(
        "a query is answered",
        "points",
        ask(Reply::Says(200, "Content-Type: text/csv\r\n", CSV), BOUND),
    );
    let point = |latency: i64, time_ns| {
        Point::new("delivery").tag("topic", "a b").field("latency_ns", latency).at(time_ns)
    };
    expect(
        "rows become points, to the nanosecond",
        vec![point(84_000, 1_556_813_561_098_000_001), point(85_000, 1_556_813_562_000_000_000)],
        got,
    );
    for (reply, patience) in [
        (Reply::Says(401, "", r#"{"message":"s3cr3t-t0ken== is unknown"}"#), BOUND),
        (Reply::Says(200, "", EMPTY), BOUND),
        (Reply::HangsUp, BOUND),
        (Reply::Silent, Duration::from_millis(50)),
    ] {
        let error = ask(reply, patience).err().map(|error| error.to_string());
        expect_that(
            "what is no answer is an error, and no panic",
            "an error without the token",
            error.clone().is_some_and(|error| !error.contains("s3cr3t")),
            error,
        );
    }
}
