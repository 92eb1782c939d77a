//! The one command: demo, localnet, deploy, index, status
