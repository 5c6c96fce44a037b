import Isolation
import Testing
import Video

/// Guards the list of allowed hosts against names that merely look allowed.
@Suite struct HostTests {
    @Test(arguments: [
        ("example.org", "example.org", true), ("example.org", "EXAMPLE.org.", true),
        ("example.org", "www.example.org", false), ("example.org", "example.org.evil.net", false),
        ("*.example.org", "a.example.org", true), ("*.example.org", "a.b.example.org", true),
        ("*.example.org", "example.org", false), ("*.example.org", "evilexample.org", false),
        ("*.example.org", ".example.org", false),
        ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.11", false),
        ("[::1]", "::1", true),
    ])
    func patterns(pattern: String, host: String, allowed: Bool) {
        #expect(HostList([pattern]).allows(host) == allowed)
        #expect(!HostList([]).allows(host))
    }

    @Test(arguments: [
        ("http://example.org/a", "example.org"), ("https://example.org:8443?q", "example.org"),
        ("http://good.org@evil.net/", "evil.net"), ("http://u:p@evil.net:1/@good.org", "evil.net"),
        ("http://evil.net#@good.org", "evil.net"), ("http://evil.net\\@good.org", "evil.net"),
        ("http://[::1]:80/x", "::1"), ("http:///x", nil), ("http://[::1", nil),
    ])
    func hostsOfAddresses(address: String, host: String?) {
        #expect(VideoInput.host(of: address) == host)
    }
}
