"""What a message says to be not so (不是三类, haven't got FDA yet) or not yet so (打算申请, plan to list)."""

from __future__ import annotations

import re

_NOT = r"(?:(?<!有)没有?+(?![人听想说看找法事搞弄]|问题|错|办法)|未(?!来)|尚未|(?<!是)不是|并非|不算|不属于|(?<![要需])不(?=想|打算)|无(?![菌创源纺线人机锡论法]))"
_NO = r"\b(?:not|no|never|without|cannot|yet to|(?:have|has|had|is|are|was|did|do|does|ca|wo)n'?t)\b"
NOT_BEFORE = re.compile(rf"(?:{_NOT}[^,。;!?、\s但却而是有]{{0,8}}|{_NO}(?! (?:only|just))[^,。.;!?]{{0,20}})$")
_NOT_AFTER = re.compile(
    r"\s?(?:证|认定|申请|目前|暂时?|也|都|还|一直)*(?:没(?!问题|错|有?过期|丢|有?(?:做完|结束|完成))|未(?!来)|尚未|不是(?=$|[,。;!?的吧]|\s?$)|失败|被?[拒驳退]|(?:正|还)?在[审办走排等申报评准])"
    r"|(?:[^,。;!?]{0,6}|[, ])(?:还没|尚未)有?[拿下批过通认办到取中]"
    r"|[^,。.;!?]{0,16}\b(?:not yet|pending|rejected|refused|under review|in review|in progress|still waiting|isn'?t)\b"
)
_GOING = (
    r"(?:(?<![已都])(?:准备|打算|计划|争取|预计|估计|预期|即将|马上|快要?|如何|怎[么样])|(?<!不)想要?|(?<![只主重需])要(?!素)|等着?(?!级|离|速)"
    r"|应该能|可能|才能|得先|需要|必须|要不要|能不能|会不会|冲刺|明年|后年|下个?月|下[一]?步)"
)
_SOON_BEFORE = re.compile(
    rf"(?:{_GOING}(?:[去来先再在单独\d月]|[今明]年|年[内底后]|近期|尽快|[上下]半年)*|正在|在(?=申|报|办|走|准备|争取))"
    r"(?:(?:申请|申报|报|办|交|递|拿到?|做|评|取得|获得?|参加|递交|冲|搞|过|通过|进入?|开展|启动|开|走|准备|争取|融|引)[^,。;!?、\s但却而]{0,4}|[^,。;!?、\s但却而]{0,2})?$"
    r"|\b(?:plan(?:ning|s)? (?:to|for|on)|will|want(?:s|ing)? to|hop(?:e|ing) to|going to|about to|appl(?:y|ying) for|how (?:to|do)|expect(?:s|ing)?|before|prepar(?:e|ing)(?: for)?"
    r"|when we|once we|if we|after we|aim(?:ing)? (?:to|for)|need(?:s)? to|working (?:on|towards?)|intend(?:s)? to|can we|could we|should we)\b[^,。.;!?]{0,24}$"
)
_SOON_AFTER = re.compile(
    r"[^,。;!?\s]{0,3}(?:应该能|估计|预计|(?<![以提])之?前(?![三后列面十五百几])|要等|要到|明年|快了|怎么(?:办理|申请|报|办|拿)|如何)|\s?(?:怎么(?:才能)?拿|咋拿|多久(?:能|才))"
)
_FOR_MONEY = re.compile(r"[^,。;!?]{0,8}(?:补贴|补助|奖|资助|政策|支持|扶持|优惠)")
_SAID_BEFORE = re.compile(
    r"(?:(?<!是)不(?:是|去|算|属于|要|做|在|搞|选|考虑|想去|想做|打算去)(?:什么|了|做|去|在|搞)?|没在(?:做|搞)?|并非|除了|别给我推|别推|\b(?:not|isn'?t|aren'?t|instead of|rather than|other than)(?: (?:in|a|an|at|the|to))?\s?)$"
)

_NOT_YET_BEFORE = re.compile(
    r"(?:(?<!是)不是|(?<!在)不在|不属于|不做|不算|除了|没在|(?<!有)没有|(?<!有)没(?!有)|还没有?|尚未|未|并非|快要?|马上|正在申请|在申请)[^是,。;!?]{0,3}$"
)
_NOT_YET_AFTER = re.compile(
    r"[^,。;!?]{0,3}(?:还没|没有|没(?!有)|未|尚未|快要?[到拿评批下]|正在申请|在申请|申请中|(?:不是|不算)(?=$|[,。;!?的吧])|就要)"
)


def denied_name(text: str, start: int) -> bool:
    """Whether the words before deny a name or a grade: 不是太仓, 不去徐州了, not class III."""
    return _SAID_BEFORE.search(text, max(0, start - 14), start) is not None


def denied(text: str, start: int, end: int) -> bool:
    """Whether the words around deny a claim: 还没拿证, 集采没中, FDA not yet."""
    return bool(NOT_BEFORE.search(text, max(0, start - 24), start) or _NOT_AFTER.match(text, end))


def not_yet(text: str, start: int, end: int) -> bool:
    """Whether the words right beside a class say that nothing of it is there yet: 三类证还没拿到, 没到三类. What stands farther off is another matter."""
    return bool(_NOT_YET_BEFORE.search(text, max(0, start - 8), start) or _NOT_YET_AFTER.match(text, end))


def planned(text: str, start: int, end: int) -> bool:
    """Whether the words around only plan a claim or ask about it: 打算申请PCT, but not 想申请PCT资助."""
    return bool((_SOON_BEFORE.search(text, max(0, start - 28), start) and not _FOR_MONEY.match(text, end)) or _SOON_AFTER.match(text, end))


def holds(text: str, start: int, end: int) -> bool:
    """Whether the words around neither deny a claim nor only plan it."""
    return not (denied(text, start, end) or planned(text, start, end))
