"""How people speak of their own data: what they want done with it, what they agree to or decline, what they want to change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from dialogs.phrases import bare, control
from knowledge.values import normalise, read_yes_no

_OWN_DATA: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "unconsent": re.compile(
            r"(?:撤|车回|收回|取消|反悔|不再?).{0,6}(?:同意|统意|授权)|(?:同意|授权).{0,4}(?:撤|收回|取消)|不同意了|\b(?:withdraw|revoke|take back)\b.{0,16}\b(?:consent|permission|agree)"
        ),
        "erase": re.compile(r"删|[山册]除|清(?:除|空|掉)|抹掉|注销|销毁|不要(?:留|保存|存)|别(?:留|存)|\b(?:erase|delete|remove|forget|wipe)\b"),
        "export": re.compile(r"[导倒]出|导一份|下载|拷贝|拷一份|副本|(?:给|发)我?一份|\b(?:export|download|copy)\b"),
    }
)
_ITEMS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "matter": re.compile("事项|登记事项|内容|matter"),
        "contact.company": re.compile("公司|公司名|公司名称|项目名称?|company(?: name)?"),
        "contact.name": re.compile("称呼|姓名|名字|联系人|name"),
        "contact.reach": re.compile("联系方式|电话|电话号码|手机|手机号|号码|邮箱|contact(?: details)?|phone(?: number)?|e-?mail"),
        "contact.consent": re.compile(
            r"(?:我|还是|那|又|就)*(?:改主意|反悔|改变主意|后悔)了?|(?:我|还是|那|又|就|现在|愿意|改主意了?|想|要|可以|[,，])*(?:同意)?留(?:下|个|一个|一下)?(?:我的)?(?:联系方式|电话|手机号?|号码|邮箱)[吧了]?"
            r"|(?:我|还是|那|又)*(?:又|还是)同意了?|i changed my mind|(?:i want to |let me )?leave (?:my )?(?:contact(?: details)?|phone(?: number)?|number|e-?mail)"
        ),
    }
)
"""How the lines of a form's summary are named where somebody wants to change one of them."""
_CHANGES_CONTACT = re.compile(
    r"(?:换|改(?!变)|更新|更正|变更|修改).{0,6}(?:电话|手机|号码|联系方式|邮箱)|(?:我的?|留的|填的|登记的).{0,6}(?:电话|手机号?|号码|联系方式|邮箱)[^?？吗]{0,6}(?:换|改|错|变|不对|更新)"
    r"|^(?:电话|手机号?|号码|联系方式|邮箱)[^?？吗]{0,4}(?:换|改|错|变了|不对)|^把?.{0,4}(?:换|改)成?$"
    r"|\b(?:change|update|correct|replace)\b.{0,12}\b(?:phone|number|e-?mail|contact)|\bmy (?:new )?(?:phone|number|e-?mail|contact)\b.{0,16}\b(?:changed|wrong|new|different)\b"
)
_WHO = re.compile(
    r"(?:谁|哪个?(?:单位|公司|人)).{0,4}(?:处理|看|用|管|拿|知道|收集).{0,4}(?:我们?的?(?:个人)?(?:信息|数据|资料|电话|手机|联系|号码|聊天)|联系方式|手机号|个人信息)"
    r"|(?:我们?的?(?:个人)?(?:信息|数据|资料|电话|手机号?|号码|聊天记录)|联系方式|手机号|个人信息).{0,8}(?:卖|出售|外传|泄露|外泄|给别人|给谁|转给|共享|分享|谁.{0,2}(?:看|用|处理|管))"
    r"|(?:卖|出售|外传|泄露).{0,6}(?:我.{0,3}(?:信息|电话|手机|联系方式|数据|号码)|联系方式|手机号|个人信息)"
    r"|\b(?:sell|share|who (?:sees|can see|handles|is handling|processes|uses|gets)|give)\b.{0,20}\b(?:my|contact|personal)\b.{0,12}(?:data|details|phone|number|information|e-?mail)"
)
_TO_CHANGE = re.compile(r"^我?要?(?:改|修改|更改|换|change|edit) ?(?:一下)?(?:my |the )?|(?:要?(?:改一?下?|修改)|不对|(?:写|填)?错了)$")
_ERASES = re.compile(
    r"(?:是的?|对|嗯|好的?|行|可以|确[认定]|我|要|都|全部?|就|给我|麻烦|请|直接|马上|快|yes|sure|ok|please|goahead(?:and)?|doit)*"
    r"(?:确[认定]|删(?:除|掉|光)?|清(?:除|空)|erase|delete|doit|goahead|confirm(?:ed)?|yes)(?:它们?|全部|数据|it|everything|them|all)?"
)
_KEEPS = re.compile(
    r"(?:还是|我|那|就|都|再)*(?:先|暂时|暂)?(?:不要?|别|不用|不想|取消|算了?)(?:再)?(?:删(?:除|掉)?)?|(?:还是)?先?(?:留着|保留|等等|等一下|等会儿?|想想|再想想|考虑一?下?|再说)"
    r"|(?:算了)?(?:我)?(?:先)?不删?|no(?:thanks|thankyou|way|t?now|tyet)?|keep(?:it|them|everything)?|don'?t|donot|nevermind|cancel|wait|stop|later"
)
_PLAIN_YES_OR_NO = re.compile(
    r"(?:我)?(?:不)?同意|(?:不|不用|不要)了?(?:谢谢)?|确认(?:登记)?|no,? ?thanks?(?: you)?|i agree|agree|confirm|file it|(?:好|行|可以)[的了吧啊]*"
)


def of_own_data(text: str) -> str:
    """What a message wants with the person's own data: `erase`, `unconsent`, `export`, or `mine` where it does not say."""
    return next((verb for verb, words in _OWN_DATA.items() if words.search(normalise(text))), "mine")


def says_of_erasure(text: str) -> bool | None:
    """Whether words right after “erase everything?” mean to erase (是的, 删), or to keep (先不了吧); None where they speak of something else."""
    said = re.sub(r"[\s,，。.!！~～、…]+|[吧啊呀呢嘛哦了]+$", "", bare(normalise(text)))
    if _ERASES.fullmatch(said):
        return True
    if _KEEPS.fullmatch(said) or control(text) in ("cancel", "leave"):
        return False
    return {"yes": True, "no": False, "unknown": False}.get(read_yes_no(text) or "")


def says_yes_or_no(text: str) -> bool:
    """Whether words are nothing but a yes or a no."""
    return says_of_erasure(text) is not None or bool(_PLAIN_YES_OR_NO.fullmatch(bare(normalise(text))))


def names_item(text: str) -> str:
    """The answer of a form that words name and nothing else, to be changed (联系方式, 改公司), or ""."""
    said = bare(normalise(text))
    said = said if _ITEMS["contact.consent"].fullmatch(said) else _TO_CHANGE.sub("", said)
    return next((key for key, words in _ITEMS.items() if words.fullmatch(said)), "")


def changes_contact(text: str) -> bool:
    """Whether somebody wants another number or address of theirs to be noted (把我的电话换成…, 我的电话错了)."""
    return bool(_CHANGES_CONTACT.search(normalise(text)))


def asks_who(text: str) -> bool:
    """Whether somebody asks who handles their data, or whether others get them (谁在处理我的信息, 联系方式你们会卖吗)."""
    return bool(_WHO.search(normalise(text)))


def speaks_of_consent(text: str) -> bool:
    """Whether words name what they agree to or decline (同意, 不想留), so that they mean the consent also after other things were said."""
    return bool(re.search(r"同意|接受|愿意|拒绝|留|填|agree|consent|decline", normalise(text)))
