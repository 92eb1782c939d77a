//! A policy in Cedar's words, written from the documentation of `Policy`.

use anyhow::Context;
use cedar_policy::{PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicySet};
use charter_types::keys::{Effect, Inject, Method, NearCall, Policy, Scheme, Target};

/// A use of a credential: a request or a call, with what it declares to do, and where the credential goes.
const SCHEMA: &str = r#"
entity Asker;
entity Service;
type Effects = { reads: Bool, writes: Bool, deletes: Bool, messages: Bool, spends: Bool, signs: Bool };
action http appliesTo {
  principal: [Asker],
  resource: [Service],
  context: {
    scheme: String, host: String, port: Long, path: String, method: String,
    body: Long, answer: Long, slot: String, declared: Effects,
  },
};
action near appliesTo {
  principal: [Asker],
  resource: [Service],
  context: { contract: String, method: String, deposit: Long, gas: Long, answer: Long, slot: String },
};
"#;

const EFFECTS: [(Effect, &str); 6] = [
    (Effect::Read, "reads"),
    (Effect::Write, "writes"),
    (Effect::Delete, "deletes"),
    (Effect::Message, "messages"),
    (Effect::Spend, "spends"),
    (Effect::Sign, "signs"),
];

/// What a method does by itself.
fn does(method: Method) -> Effect {
    match method {
        Method::Get | Method::Head => Effect::Read,
        Method::Post | Method::Put | Method::Patch => Effect::Write,
        Method::Delete => Effect::Delete,
    }
}

fn any(alternatives: impl IntoIterator<Item = String>) -> String {
    let all: Vec<String> = alternatives.into_iter().collect();
    if all.is_empty() { "false".to_owned() } else { format!("({})", all.join(" || ")) }
}

/// "An exact host, or `*.` and a suffix: any host below it."
fn host(pattern: &str) -> String {
    let operator = if pattern.starts_with("*.") { "like" } else { "==" };
    format!("context.host {operator} \"{pattern}\"")
}

/// "Prefixes, segment by segment: `/v1` allows `/v1` and `/v1/chat`, not `/v10`."
fn path(prefix: &str) -> String {
    let prefix = prefix.trim_end_matches('/');
    format!("(context.path == \"{prefix}\" || context.path like \"{prefix}/*\")")
}

fn slot(inject: &Inject) -> String {
    let name = match inject {
        Inject::Header { name, prefix } => format!("header {name} {prefix}"),
        Inject::Query { name } => format!("query {name}"),
        Inject::Basic { user } => format!("basic {user}"),
        Inject::JsonPointer { pointer } => format!("pointer {pointer}"),
        Inject::None => "none".to_owned(),
    };
    format!("context.slot == \"{name}\"")
}

fn target(policy: &Policy, target: &Target) -> String {
    let scheme = if target.scheme == Scheme::Https { "https" } else { "http" };
    let usable = target.methods.iter().filter(|method| policy.effects.contains(&does(**method)));
    let mut terms = vec![
        format!("context.scheme == \"{scheme}\""),
        host(&target.host),
        format!("context.port == {}", target.port),
        any(target.paths.iter().map(|prefix| path(prefix))),
        any(usable.map(|method| format!("context.method == \"{method:?}\""))),
        format!("context.body <= {}", policy.body_bytes_max),
        format!("context.answer <= {}", policy.response_bytes_max),
        slot(&policy.inject),
    ];
    let missing = EFFECTS.iter().filter(|(effect, _)| !policy.effects.contains(effect));
    terms.extend(missing.map(|(_, name)| format!("!context.declared.{name}")));
    permit("http", &terms)
}

fn call(policy: &Policy, call: &NearCall) -> String {
    let terms = [
        format!("context.contract == \"{}\"", call.contract),
        any(call.methods.iter().map(|method| format!("context.method == \"{method}\""))),
        format!("context.deposit <= {}", call.deposit_max.0),
        format!("context.gas <= {}", call.gas_max),
        format!("context.answer <= {}", policy.response_bytes_max),
        slot(&policy.inject),
    ];
    permit("near", &terms)
}

fn permit(action: &str, terms: &[String]) -> String {
    format!("permit(principal, action == Action::\"{action}\", resource) when {{ {} }};\n", terms.join(" && "))
}

fn write(policy: &Policy) -> String {
    let targets = policy.targets.iter().map(|one| target(policy, one));
    let may_sign = policy.effects.contains(&Effect::Sign);
    let calls = policy.near_calls.iter().filter(|_| may_sign).map(|one| call(policy, one));
    targets.chain(calls).collect()
}

/// Cedar's compiler with its solver.
pub struct Cedar {
    schema: Schema,
    environments: Vec<RequestEnv>,
    compiler: CedarSymCompiler<LocalSolver>,
}

impl Cedar {
    pub fn start() -> anyhow::Result<Self> {
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).context("the schema")?;
        let environments = schema.request_envs().collect();
        let compiler = CedarSymCompiler::new(LocalSolver::cvc5()?)?;
        Ok(Self { schema, environments, compiler })
    }

    /// Whether every request that the inner policy allows, the outer one allows.
    pub async fn implies(&mut self, inner: &Policy, outer: &Policy) -> anyhow::Result<bool> {
        let asked = |environment: &&RequestEnv| {
            // Who may do nothing of a kind needs no solver.
            let is_http = environment.action().id().unescaped() == "http";
            !if is_http { inner.targets.is_empty() } else { inner.near_calls.is_empty() }
        };
        let environments: Vec<&RequestEnv> = self.environments.iter().filter(asked).collect();
        let [inner, outer] = [inner, outer].map(|policy| write(policy).parse::<PolicySet>());
        let (inner, outer) = (inner?, outer?);
        for environment in environments {
            let inner = CompiledPolicySet::compile(&inner, environment, &self.schema)?;
            let outer = CompiledPolicySet::compile(&outer, environment, &self.schema)?;
            if !self.compiler.check_implies_opt(&inner, &outer).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
