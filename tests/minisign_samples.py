"""Keys and signatures that Debian's minisign 0.11 made once for the tests."""

from medseg.bundle.minisign import SecretKey

# minisign -G -W; minisign -S -t "hippocampus 1.0"; minisign -S -l -t legacy
PUBLIC = """untrusted comment: minisign public key 9E060B1E0C7715CB
RWTLFXcMHgsGnvAdfvgeYRuH1yEUixzRQzr4mJQWZxjYUby5bu+DMHNE
"""
SECRET = """untrusted comment: made for a test
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAyxV3DB4LBp4pSlr41j4xQck3G/FHH3IYExwKf+gfyCh90yBW\
kz607/AdfvgeYRuH1yEUixzRQzr4mJQWZxjYUby5bu+DMHNEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
"""
MESSAGE = b"a manifest\n"
HASHED = """untrusted comment: signature from minisign secret key
RUTLFXcMHgsGnvaWUGZ0W3MHWgE18CK+VOYGsIMqNMdCjhsFhyq1dRXuV09BIdnGCKdUk3+emCbskLufMa1v7I/cwc39OHd0+g0=
trusted comment: hippocampus 1.0
Cu93ny0R8iWht65UuAWLyloSDqGN1sbi72D+gSJRL2TFAWn2yRuIhhleRAsBQ+rze6GqwMtX7pEdWSvBfRy3BA==
"""
LEGACY = """untrusted comment: signature from minisign secret key
RWTLFXcMHgsGngQNxSNA39puR649JsLLkBoedBG+PnhB9jsty0XfTPLW8TX0Sr5wee8sUUhSFydHp1jzG5CjbjFpTdEenJorHwc=
trusted comment: legacy
KQ1uyrWqQbFdbeizQPvzCD1Z2wXhx0PO2geBhgmyQHWrtaV23PoftazQBfbNJ8S9ZraqCGM7KK8zqtpGm3VkCw==
"""
# minisign -G with the password "secret"
LOCKED = """untrusted comment: minisign encrypted secret key
RWRTY0IyUcYR9jVoIz/XQWUUvhGu5W/XhNIzqpsl6hj7iOC4Xl8AAAACAAAAAAAAAEAAAAAAnz+CVj+bJfmqXvgJkbI1/eGf0qvTUj2PaIT1a2aGEN0IfUue\
gawge8UPhWS47cVzTyyJNrfiw/56nC/m+AQ+r3Ob6LX1RDGD3HEXhvc2rIwikFRMjGpM60Mh+si8NmLhllAQ8VVmLic=
"""
LOCKED_PUBLIC = "RWRVF9FiUZOkqpgaKnF0S3KfmLiRzDXfgXIYuXvWO9fd8uXiZvWIQfkN"
KEY = SecretKey(bytes(range(8)), bytes(range(32)))
