use std::time::{Duration, Instant};

use proptest::prelude::*;
use url::Url;

use super::{MAX_TEXT, Page, convert};

fn text(html: &str) -> String {
    convert(html, Some(&Url::parse("https://a.example/docs/x").unwrap())).text
}

#[test]
fn blocks_and_inline_marks() {
    let html = "<h1>Hello  <i>you</i></h1>\n<p>A <b>bold </b>word,\n <code>x &lt; y</code>.<br>Next\
                \x20<em></em>line</p><hr><div>last&nbsp;one</div>";
    assert_eq!(
        text(html),
        "# Hello *you*\n\nA **bold** word, `x < y`.\nNext line\n\n---\n\nlast one"
    );
}

#[test]
fn lists_nest_and_number() {
    let html = "<p>Do:</p><ul><li>one<ul><li><p>in</p></li></ul></li><li>two</li></ul>\
                <ol start=9><li>a</li><li>b<p>more</p></li></ol><p>end</p>";
    assert_eq!(text(html), "Do:\n\n- one\n  - in\n- two\n\n9. a\n10. b\n\n    more\n\nend");
}

#[test]
fn links_are_absolute_and_on_one_line() {
    let html = "<a href='../a b'>up</a> <a href='#x'>here</a> <a href='javascript:x()'>no</a> \
                <a href='//b.example/(1)'><h3>Card</h3><p>of <b>two</b> lines</p></a> \
                <a href='/empty'></a><img src=/i.png alt='An  image'><img src=/spacer.gif>";
    assert_eq!(
        text(html),
        "[up](https://a.example/a%20b) here no [Card of **two** lines](https://b.example/(1%29) \
         ![An image](https://a.example/i.png)"
    );
}

#[test]
fn code_is_kept_as_it_is() {
    let html = "<pre><code class='hljs language-rust'>\nfn main() {\n    let x = \"```\";\n}\n\
                </code></pre><blockquote>a<p>b</p></blockquote>";
    assert_eq!(text(html), "````rust\nfn main() {\n    let x = \"```\";\n}\n````\n\n> a\n>\n> b");
}

#[test]
fn tables_of_data_are_tables() {
    let html = "<table><caption>T</caption><thead><tr><th>A</th><th>B</th></tr></thead><tr><td>1\
                <td><p>x|y</p><p>z</p></tr></table><p>after</p>";
    assert_eq!(text(html), "T\n\n| A | B |\n| --- | --- |\n| 1 | x\\|y z |\n\nafter");
    let layout = "<table><tr><td><p>one</p></td></tr><tr><td><ul><li>two</ul></td></tr></table>";
    assert_eq!(text(layout), "one\n\n- two");
}

#[test]
fn what_cannot_be_read_is_left_out() {
    let html = "<head><title>The &amp; title</title><style>a{}</style></head><nav><a href=/>x</a>\
                </nav><script>if (a < b) { document.write('<p>no</p>') }</script><p>yes</p>\
                <div hidden><div>no</div></div><p style='DISPLAY : none'>no</p><svg><title>no\
                </title></svg><noscript>no</noscript>";
    let page = convert(html, None);
    assert_eq!(page, Page { title: Some("The & title".into()), text: "yes".into() });
}

#[test]
fn a_nav_that_is_never_closed_does_not_swallow_the_page() {
    assert_eq!(text("<nav><a href=/>x</a><p>all of the page</p>"), {
        "[x](https://a.example/)\n\nall of the page"
    });
}

#[test]
fn the_main_part_is_the_page() {
    let words = "word ".repeat(60);
    let html = format!("<header>top</header><main><p>{words}</p></main><footer>bottom</footer>");
    assert_eq!(text(&html), words.trim());
    assert_eq!(text("<header>top</header><main>short</main>"), "top\n\nshort");
}

/// Bytes of a page that is made to hurt: where time grew with its square, it would be minutes.
const PAGE: usize = 256 << 10;

#[test]
fn hostile_pages_take_no_longer_than_others() {
    let repeated = |piece: &str| piece.repeat(PAGE / piece.len());
    let numbered = |piece: &str| -> String {
        (0..PAGE / 8).map(|n| piece.replace('N', &n.to_string())).collect()
    };
    let pages = [
        repeated("<div>"),
        repeated("<b>"),
        repeated("<b>x<p>"),
        numbered("<b a=N><p>"),
        repeated("<ul><li>x"),
        repeated("<blockquote>x"),
        repeated("<table><tr><td>x"),
        repeated("<td>x"),
        format!("<table><tr>{}", repeated("<td>x")),
        repeated("<a href=x>y"),
        format!("<a {}>", numbered("aN ")),
        repeated("<pre>\n"),
        format!("<pre>{}", repeated("`\n")),
        repeated("&amp"),
        repeated("<!--"),
        repeated("<"),
        repeated("</li>"),
        repeated("<svg><title>"),
        format!("{}<pre>{}", "<ul>".repeat(1_000), repeated("\n")),
    ];
    let base = Url::parse(&format!("https://a.example/{}/", "x".repeat(8_000))).unwrap();
    for page in pages {
        let start = Instant::now();
        let text = convert(&page, Some(&base)).text;
        let took = start.elapsed();
        let what = &page[..30];
        assert!(took < Duration::from_secs(10), "{what}: {took:?}");
        assert!(text.len() < 2 * MAX_TEXT, "{what}: {} bytes", text.len());
    }
}

proptest! {
    #[test]
    fn garbage_is_only_garbage(html in "([<>/=\"'&;!a-z \n`é-]|<(/?)(table|td|tr|li|ul|ol|\
        a href=x|pre|b|main|p|h2|nav|blockquote|title|code|img src=x alt=y)>){0,200}") {
        convert(&html, None);
    }
}
