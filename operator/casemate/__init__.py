"""Casemate: deploys AI models in an air gap and proves that they stay within their terms."""
