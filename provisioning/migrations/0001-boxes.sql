-- The boxes headquarters knows, their certificates, and the one-time codes that enrol them.

-- table box: owner=local retention=operations
CREATE TABLE box (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  office TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('new', 'enrolled', 'revoked')),
  created_at INTEGER NOT NULL,
  enrolled_at INTEGER
) STRICT;

-- table box_certificate: owner=local retention=audit
CREATE TABLE box_certificate (
  sha256 TEXT NOT NULL PRIMARY KEY,
  box TEXT NOT NULL REFERENCES box (id),
  epoch INTEGER NOT NULL,
  serial TEXT NOT NULL,
  csr_sha256 TEXT NOT NULL,
  der BLOB NOT NULL,
  issued_at INTEGER NOT NULL,
  not_after_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;
CREATE INDEX box_certificate_box ON box_certificate (box, csr_sha256);

-- table claim: owner=local retention=operations
CREATE TABLE claim (
  id TEXT NOT NULL PRIMARY KEY,
  box TEXT NOT NULL REFERENCES box (id),
  epoch INTEGER NOT NULL,
  code_sha256 TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER,
  used_csr_sha256 TEXT
) STRICT;
CREATE INDEX claim_box ON claim (box, code_sha256);
