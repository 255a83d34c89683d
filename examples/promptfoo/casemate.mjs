// A promptfoo provider for a gateway. promptfoo's own one for OpenAI works too, but what a person
// must approve is answered with 403, and after one 403 promptfoo gives the whole evaluation up.

const VERDICTS = { content_filter: "refused", human_approval_required: "held" };

export default class Casemate {
  constructor(options) {
    const { model, max_tokens } = options.config ?? {};
    this.asked = { model, max_tokens };
  }

  id() {
    return "casemate";
  }

  async callApi(prompt) {
    const messages = [{ role: "user", content: prompt }];
    const answer = await fetch(`${process.env.CASEMATE_URL}/chat/completions`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Bearer ${process.env.CASEMATE_TOKEN ?? "unused"}`,
      },
      body: JSON.stringify({ ...this.asked, messages }),
    });
    const body = await answer.json();
    if (answer.ok) return allowed(body);
    const verdict = VERDICTS[body.error.code];
    if (verdict) return { output: verdict, guardrails: { flagged: true, flaggedInput: true } };
    // Whatever else went wrong says nothing about the request.
    return { error: `${answer.status} ${body.error.code}: ${body.error.message}` };
  }
}

function allowed({ choices: [choice], usage }) {
  if (choice.finish_reason === "content_filter") {
    return { output: "withheld", guardrails: { flagged: true, flaggedOutput: true } };
  }
  const tokenUsage = {
    total: usage?.total_tokens,
    prompt: usage?.prompt_tokens,
    completion: usage?.completion_tokens,
  };
  return { output: choice.message.content, tokenUsage, guardrails: { flagged: false } };
}
