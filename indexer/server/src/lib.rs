//! Mirrors the Charter contracts into Postgres and proves that the mirror is true
