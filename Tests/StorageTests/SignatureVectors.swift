/// Made by Tests/storage/make_vectors.py with botocore: key, path, signature; query, its text, signature.
enum SignatureVectors {
  static let keys: [(String, String, String)] = [
    (
      "plain.ipynb", "/bucket.with.dots/plain.ipynb",
      "2c89a487464a710a846957df7e31ed2fd99f6db2a9953cd6f560cfbf868ba960"
    ),
    (
      "with space.ipynb", "/bucket.with.dots/with%20space.ipynb",
      "151c03bf6e6de99072a3abd88ed7c156a17d452aead265c91367c6508cd15ef2"
    ),
    (
      "a+b=c.ipynb", "/bucket.with.dots/a%2Bb%3Dc.ipynb",
      "8d3f66640652984d4b25c0c616dffd81de33e4c898070bb0a0e419f7ef0d75c6"
    ),
    (
      "year=2026/month=01/x.ipynb", "/bucket.with.dots/year%3D2026/month%3D01/x.ipynb",
      "842d667ac343bcb97883ede38c7a524e5f7445d911ac229673fa24bde06410e6"
    ),
    (
      "ünï/日本語/😀.ipynb", "/bucket.with.dots/%C3%BCn%C3%AF/%E6%97%A5%E6%9C%AC%E8%AA%9E/%F0%9F%98%80.ipynb",
      "5eb75bc9f1e8a8b66b9d498afedcc5f53787126737b58547ebcb1b205b17c62d"
    ),
    (
      "é.ipynb", "/bucket.with.dots/e%CC%81.ipynb",
      "027dde00a2bed8d2e2bcaedf793bf42d06306aad8fb3c28bafd3c8de82842fd1"
    ),
    (
      "a//b///c.ipynb", "/bucket.with.dots/a//b///c.ipynb",
      "0a5c19741c23c2cfb465134e4acc25895c02d0049fafdbf1cdb5851e5bc9d0ef"
    ),
    (
      "./a/../b/./c.ipynb", "/bucket.with.dots/./a/../b/./c.ipynb",
      "15e1aa57ef6a6327aa6453050bcbf864f1aee682e286106762ecaed0b1420d6d"
    ),
    (
      "/leading.ipynb", "/bucket.with.dots//leading.ipynb",
      "39e80c2119d3831223b3ec83d70bf3ace0c327291c74c41bf9f258ec65f640ae"
    ),
    (
      "trailing/", "/bucket.with.dots/trailing/",
      "c92b29d76b5aa94fad796c229f88d63e6877722bc8ab797d7d28519be75c7d5d"
    ),
    (
      "~tilde~.ipynb", "/bucket.with.dots/~tilde~.ipynb",
      "b937c076acccab0935c9c409c0a1e843c57c6b49178cf5a5181e21b405f691d6"
    ),
    (
      "100%.ipynb", "/bucket.with.dots/100%25.ipynb",
      "f8aaf7e54c88c9b3128f3baa0960f1ac3ba9b08e20d32143159d4d0426b813ea"
    ),
    (
      "%41%2F.ipynb", "/bucket.with.dots/%2541%252F.ipynb",
      "aaf13138df9b43142146caba0ce983a5a21127dc237402386230e48cc1413eb8"
    ),
    (
      "a?b#c&d;e,f:g@h$i!j*k'l(m)n[o]p{q}r|s^t`u\"v<w>x\\y.ipynb",
      "/bucket.with.dots/a%3Fb%23c%26d%3Be%2Cf%3Ag%40h%24i%21j%2Ak%27l%28m%29n%5Bo%5Dp%7Bq%7Dr%7Cs%5Et%60u%22v%3Cw%3Ex%5Cy.ipynb",
      "0312f66584425bb6494cb72aaa9d2ca9d260317c8c454bb592c7ea312fd25401"
    ),
  ]

  static let queries: [([(String, String)], String, String)] = [
    (
      [("uploads", "")], "uploads=",
      "f94ddfb34540d7b11d2fb2a6100ed7dd44791ae0519b21f6d9c7832c75d57cc2"
    ),
    (
      [("partNumber", "10"), ("uploadId", "a+b/c=d ~é")], "partNumber=10&uploadId=a%2Bb%2Fc%3Dd%20~%C3%A9",
      "4eb182b8cc666da835cbaba6c6f7ff3b78246637c65d12e6d7f0431b7ef27b64"
    ),
    (
      [("b", "2"), ("a", "1"), ("a", "")], "a=&a=1&b=2",
      "a63d1aef166f8bde5339a0ef9cd8fbe279daa2d6fb7434ce8c0e6937fac71430"
    ),
    (
      [("prefix", "x/y z"), ("list-type", "2"), ("empty", "")], "empty=&list-type=2&prefix=x%2Fy%20z",
      "7a693b3d7abd7ed9c978c97b743518ba77d9d90865103c35d0364383d3a1e834"
    ),
  ]
}
