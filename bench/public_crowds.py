"""The public crowds with gold in ../shared/data, for the benches that replay or judge them."""
import csv, os, sys

DATA = os.path.join(os.environ.get("KARAT_SHARED", os.path.join(os.path.dirname(__file__), "../../shared")), "data")
CROWDS = [("adult content", "crowd-adult-content/label.csv", "crowd-adult-content/truth.csv"),
          ("company sentiment", "crowd-company-sentiment/label.csv", "crowd-company-sentiment/truth.csv"),
          ("dog", "crowd-dog/label.csv", "crowd-dog/truth.csv"),
          ("fact evaluation", "crowd-fact-evaluation/label.csv", "crowd-fact-evaluation/truth.csv"),
          ("product match", "crowd-product-match/label.csv", "crowd-product-match/truth.csv"),
          ("rte", "crowd-rte/votes.csv", "crowd-rte/gold.csv"),
          ("weather CF", "crowd-weather-sentiment/CF-label.csv", "crowd-weather-sentiment/CF-truth.csv"),
          ("weather CF_amt", "crowd-weather-sentiment/CF_amt-label.csv", "crowd-weather-sentiment/CF_amt-truth.csv"),
          ("web relevance", "crowd-web-relevance/label.csv", "crowd-web-relevance/truth.csv")]


def rows(path):
    """A file of DATA without its first line, the first three columns."""
    with open(os.path.join(DATA, path)) as f:
        return [tuple(r[:3]) for r in list(csv.reader(f))[1:]]


def need(who):
    """Ends with 77 where the folder is absent."""
    if not os.path.isdir(DATA):
        print(f"skipped: {who} (no folder {DATA})")
        sys.exit(77)
